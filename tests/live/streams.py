import asyncio
import queue
import time

import numpy as np

from rtc import AdditionalOutputs, AsyncStreamHandler, CloseStream, ReplyOnPause, Stream, StreamHandler, WebRTCError
from rtc.core.messages import Log
from tests.live.tones import sine

RATE = 24000
SPEECH_S = 10.0


class WholeEcho(AsyncStreamHandler):
    """Echoes every frame, however late: for tests that count or compare samples."""

    def __init__(self, input_sample_rate: int, output_sample_rate: int | None = None) -> None:
        super().__init__(
            input_sample_rate=input_sample_rate, output_sample_rate=output_sample_rate or input_sample_rate
        )
        # Unbounded: the tests that use it send a few seconds at most, or in real time.
        self._frames: asyncio.Queue[tuple[int, np.ndarray]] = asyncio.Queue()

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._frames.put_nowait(frame)

    async def emit(self) -> tuple[int, np.ndarray]:
        return await self._frames.get()


class BlockingEcho(StreamHandler):
    """Waits in `queue.get()`, as the echo in FastRTC's documentation does."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        # Unbounded, as there.
        self._frames: queue.Queue[tuple[int, np.ndarray]] = queue.Queue()

    def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._frames.put(frame)

    def emit(self) -> tuple[int, np.ndarray]:
        return self._frames.get()


class Interruptible(AsyncStreamHandler):
    """Says a high tone, 10 s in one piece; when spoken to, drops the rest and says 0.2 s of a low one."""

    HIGH_HZ = 2000
    LOW_HZ = 300

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._utterances: asyncio.Queue[np.ndarray] = asyncio.Queue()  # holds two at most
        self._utterances.put_nowait(sine(self.HIGH_HZ, SPEECH_S, RATE))
        self._interrupted = False

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        if not self._interrupted:
            self._interrupted = True
            self.clear_queue()
            self._utterances.put_nowait(sine(self.LOW_HZ, 0.2, RATE))

    async def emit(self) -> tuple[int, np.ndarray]:
        return RATE, await self._utterances.get()


class Marking(AsyncStreamHandler):
    """Says three pieces of 0.1 s, each with a mark behind it; tells the client which of them came back, when all
    have."""

    NAMES = ("first", "second", "\u00fcber \u2713 \U0001f399")

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._left = list(self.NAMES)
        self._heard: list[str] = []

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> tuple[int, np.ndarray] | None:
        if len(self._left) < len(self.NAMES):
            self.mark(self.NAMES[-len(self._left) - 1])
        if not self._left:
            await asyncio.Event().wait()
        self._left.pop(0)
        return RATE, sine(440, 0.1, RATE)

    def marked(self, name: str) -> None:
        self._heard.append(name)
        if len(self._heard) == len(self.NAMES):
            self.session.send_message(Log(text="heard " + ", ".join(self._heard)))


class Busy(AsyncStreamHandler):
    """Says two frames; between them it keeps the event loop to itself."""

    BUSY_S = 0.5

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._said = 0

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> tuple[int, np.ndarray]:
        self._said += 1
        if self._said == 2:
            time.sleep(self.BUSY_S)
        elif self._said > 2:
            await asyncio.Event().wait()
        return RATE, sine(440, 0.02, RATE)


class Sink(AsyncStreamHandler):
    """Tells how much it has heard, after each half second of audio; says what nobody may hear."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._samples = 0

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._samples += frame[1].size
        if self._samples % (RATE // 2) == 0:
            self.session.send_message(Log(text=f"heard {self._samples}"))

    async def emit(self) -> tuple[int, np.ndarray]:
        await asyncio.sleep(0.02)
        return RATE, sine(440, 0.02, RATE)


class Gushing(AsyncStreamHandler):
    """Sends the client 20 MB of messages a second."""

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> None:
        await asyncio.sleep(0.02)
        self.session.send_message(Log(text="x" * 400_000))


class Asking(AsyncStreamHandler):
    """Asks for input, twice; once it has some, gives it back as an output and counts on in outputs."""

    ASKS = 2
    TICK_S = 0.02

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._given: asyncio.Queue[list] = asyncio.Queue()  # holds two at most
        self._answered = asyncio.Event()
        self._n = 0

    async def start_up(self) -> None:
        for _ in range(self.ASKS):
            await self.wait_for_args()
            self._given.put_nowait(self.latest_args[1:])
            self._answered.set()
            self.reset()

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> AdditionalOutputs:
        await self._answered.wait()
        try:
            async with asyncio.timeout(self.TICK_S):
                return AdditionalOutputs({"inputs": await self._given.get()})
        except TimeoutError:
            self._n += 1
            return AdditionalOutputs({"n": self._n})


class Broken(AsyncStreamHandler):
    """Fails in the callback named in the client's params; raises WebRTCError if they have a `message`."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)

    def _fail_in(self, callback: str) -> None:
        params = self.session.params
        if params.get("callback") == callback:
            raise WebRTCError(params["message"]) if "message" in params else KeyError("a secret")

    async def start_up(self) -> None:
        self._fail_in("start_up")

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        self._fail_in("receive")

    async def emit(self) -> None:
        self._fail_in("emit")
        await asyncio.sleep(0.1)


def say_ten_seconds():
    yield RATE, sine(440, SPEECH_S, RATE)


def say_goodbye(frame):
    """Says half a second and closes; what it yields after is not heard."""
    yield RATE, sine(440, 0.5, RATE)
    yield CloseStream("goodbye")
    yield RATE, sine(440, 0.5, RATE)


def tell_and_hum(audio):
    """Tells how much was said, then hums until it is interrupted; blocks its thread now and then."""
    rate, samples = audio
    yield AdditionalOutputs({"said_s": samples.size / rate, "peak": int(np.abs(samples).max())})
    while True:
        time.sleep(0.01)
        yield RATE, sine(440, 0.1, RATE)


exact_echo = Stream(WholeEcho(RATE))
exact_echo_16000 = Stream(WholeEcho(16000))
exact_echo_48000 = Stream(WholeEcho(48000, RATE))
blocking_echo = Stream(BlockingEcho)
interruptible = Stream(Interruptible)
marking = Stream(Marking)
busy = Stream(Busy)
sink = Stream(Sink, mode="send")
broken = Stream(Broken)
speech = Stream(say_ten_seconds, mode="receive")
goodbye = Stream(say_goodbye)
single = Stream(WholeEcho(RATE), concurrency_limit=1)
brief = Stream(WholeEcho(RATE), time_limit=1.0)
quiet = Stream(WholeEcho(RATE), idle_timeout=1.0)
gushing = Stream(Gushing())
asking = Stream(Asking)
turns = Stream(ReplyOnPause(tell_and_hum))
