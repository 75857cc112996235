import asyncio
import json

import numpy as np

from rtc import AdditionalOutputs, AsyncStreamHandler, Stream
from tests.live.streams import RATE, WholeEcho


class EchoOfInputs(WholeEcho):
    """Echoes audio, and tells how long each input was, as JSON has it."""

    def set_args(self, args: list) -> None:
        super().set_args(args)
        self.session.send(json.dumps({"took": [len(json.dumps(arg)) for arg in args]}))


class Answering(AsyncStreamHandler):
    """Answers each input with an output, the first of which comes unasked."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self._outputs: asyncio.Queue[object] = asyncio.Queue()  # the tests put in a handful
        self._outputs.put_nowait("hello")

    def set_args(self, args: list) -> None:
        super().set_args(args)
        self._outputs.put_nowait(args)

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        pass

    async def emit(self) -> AdditionalOutputs:
        return AdditionalOutputs(await self._outputs.get())


answering = Stream(Answering)
members = Stream(Answering, authorize=lambda request: request.user is not None)
echo_of_inputs = Stream(EchoOfInputs(RATE))
