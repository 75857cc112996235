import asyncio
import numpy as np
import pytest
from rtc import *
from tests.callers import *
from tests.virtual_time import virtual_time, until
from rtc.core.audio import encode_mulaw

@pytest.fixture(autouse=True)
def reg(monkeypatch): return MemoryRegistry(monkeypatch)

def tone(value, seconds, rate=24000):
    return rate, np.full(round(rate*seconds), value, np.int16)

def code(v): return encode_mulaw(np.array([v],np.int16))

class H(AsyncStreamHandler):
    def __init__(self): super().__init__(); self.calls=[]
    def copy(self): return self
    async def receive(self, frame): self.calls.append("receive")
    async def emit(self): await asyncio.sleep(3600)
    async def shutdown(self): self.calls.append("shutdown")

@virtual_time
async def test_cancelled_in_emit():
    class C(H):
        async def emit(self):
            t=asyncio.ensure_future(asyncio.sleep(5)); t.cancel()
            await t
    c=Client(Stream(C())); await c.start()
    assert await c.until_closed(100)==4500

@virtual_time
async def test_swallow_cancel():
    class C(H):
        async def emit(self):
            try: await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.calls.append("cancelled")
                if len(self.calls)>2: raise
                return None
    h=C(); c=Client(Stream(h)); await c.start(); await asyncio.sleep(1)
    await c.stop()
    assert await c.until_closed(100)==1000
    assert h.calls==["cancelled","shutdown"]

@virtual_time
async def test_stop_at_once():
    h=H(); c=Client(Stream(h)); await c.start(); await asyncio.sleep(0);
    await c.stop()
    assert await c.until_closed(100)==1000
    print(h.calls, c.kinds, h._session)

@virtual_time
async def test_marked_raises():
    class C(H):
        def marked(self, name): raise ValueError("x")
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K); await asyncio.sleep(1)
    await c.say(event="mark", mark={"name":"m"})
    assert await c.until_closed(100)==4500

@virtual_time
async def test_marked_context():
    class C(H):
        def marked(self, name): self.calls.append(get_current_context().webrtc_id)
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K); await asyncio.sleep(1)
    await c.say(event="mark", mark={"name":"m"})
    assert h.calls==["a"]

@virtual_time
async def test_clear_then_audio():
    class C(H):
        n=0
        async def emit(self):
            self.n+=1
            if self.n==1: return tone(1000, 0.9)
            if self.n==2:
                await asyncio.sleep(0.1); self.clear_queue(); return tone(2000,0.02)
            await asyncio.sleep(3600)
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K); await asyncio.sleep(3)
    print(c.kinds, c.heard.count(code(1000)), c.heard.count(code(2000)))
    i=c.kinds.index("clear")
    assert c.kinds[i+1:]==["audio"]

@virtual_time
async def test_clear_waiting_write():
    class C(H):
        n=0
        async def emit(self):
            self.n+=1
            if self.n<=4: return tone(self.n*1000, 2)
            await asyncio.sleep(3600)
        async def receive(self, frame): self.clear_queue()
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K); await asyncio.sleep(.5)
    await c.send(b"\xff"*480)
    await asyncio.sleep(20)
    print([(i,c.heard.count(code(i*1000))/24000) for i in range(1,5)], c.kinds)
    assert c.heard.count(code(2000))==0

@virtual_time
async def test_raise_after_close():
    class C(H):
        items=[tone(1000,0.5), CloseStream("bye")]
        async def emit(self): return self.items.pop(0)
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K)
    assert await c.until_closed(100)==1000
    assert len(c.heard)==12000

@virtual_time
async def test_mark_order():
    class C(H):
        n=0
        async def emit(self):
            self.n+=1
            if self.n==1: return tone(1000, 0.1)
            if self.n==2: self.mark("m"); return tone(2000,0.1)
            await asyncio.sleep(3600)
    h=C(); c=Client(Stream(h)); await c.start(media_format=MULAW_24K); await asyncio.sleep(3)
    heard=0
    for m in c.messages:
        if m.get("event")=="mark": break
        heard+=len(payload_of(m) or b"")
    assert heard==2400

async def test_slow_sync_shutdown(settings, caplog):
    import time
    settings.RTC_SHUTDOWN_TIMEOUT_S=0.05
    class C(StreamHandler):
        def copy(self): return self
        def receive(self, f): pass
        def emit(self): time.sleep(0.01)
        def shutdown(self): time.sleep(0.5)
    c=Client(Stream(C())); await c.start(); await asyncio.sleep(.1); await c.stop()
    await c.until_closed(100)
    await asyncio.sleep(1)
    for r in caplog.records: print(r.name, r.levelname, r.getMessage()[:300])
    assert not [r for r in caplog.records if r.name=="asyncio"]

async def test_sync_exit(caplog):
    class C(StreamHandler):
        def copy(self): return self
        def receive(self, f): pass
        def emit(self): raise SystemExit
    c=Client(Stream(C())); await c.start();
    assert await c.until_closed(1)==4500

async def test_sync_raise_after_close(caplog):
    import gc
    class C(StreamHandler):
        items=[tone(1000,0.3), CloseStream("bye")]
        def copy(self): return self
        def receive(self, f): pass
        def emit(self): return self.items.pop(0)
    c=Client(Stream(C())); await c.start();
    assert await c.until_closed(3)==1000
    gc.collect()
    for r in caplog.records: print(r.name, r.levelname, r.getMessage()[:300])
    assert not [r for r in caplog.records if r.name=="asyncio"]
