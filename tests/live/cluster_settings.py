"""The same with waits as short as a test of some seconds needs them."""

from tests.live.long_cluster_settings import *  # noqa: F403

RTC_LEASE_S = 0.25
RTC_HEARTBEAT_S = 0.5
RTC_WORKER_FENCE_S = 3.5
RTC_WORKER_LOST_S = 4.5
RTC_OUTPUTS_POLL_S = 0.5
RTC_DRAIN_S = 2.0
RTC_CONCURRENCY_LIMIT = 24
RTC_MAX_LAG_MS = None  # other tests run beside
