from tests.live.conftest import migrated_database, start_server

__all__ = ["migrated_database", "start_server"]
