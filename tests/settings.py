import os
import tempfile
from pathlib import Path

from fastrtc_project.settings import *  # noqa: F403
from fastrtc_project.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, since threads do not share an in-memory database; one for each run.
    test_database = Path(tempfile.gettempdir()) / f"rtc-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(test_database)}
