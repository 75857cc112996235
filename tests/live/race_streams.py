from rtc import Stream
from tests.live.streams import RATE, WholeEcho

PLACES = 10

ten = Stream(WholeEcho(RATE), concurrency_limit=PLACES)
