import assert from "node:assert/strict";
import { test } from "node:test";

import { encode } from "../../../rtc/static/rtc/mulaw.js";

const RATE = 48000; // of the context
const WIRE_RATE = 24000;
const QUANTUM = 128;
const LEVEL = 0.5;

let Processor;
globalThis.sampleRate = RATE;
globalThis.AudioWorkletProcessor = class {
  port = { messages: [], postMessage: (message) => this.port.messages.push(message) };
};
globalThis.registerProcessor = (name, processor) => (Processor = processor);
await import("../../../rtc/static/rtc/playback-worklet.js");

/** What the worklet of a page does, in a server's `format`. */
class Playback {
  constructor(format) {
    this.processor = new Processor({ processorOptions: { wireRate: WIRE_RATE } });
    this.post({ type: "format", wireRate: WIRE_RATE, ...format });
  }

  post(data) {
    this.processor.port.onmessage({ data });
  }

  send(seconds) {
    this.post({ type: "audio", payload: encode(new Float32Array(seconds * WIRE_RATE).fill(LEVEL)).buffer });
  }

  /** Returns for how many seconds there was sound in the next `seconds`. */
  play(seconds) {
    let heard = 0;
    for (let i = 0; i < (seconds * RATE) / QUANTUM; i++) {
      const output = new Float32Array(QUANTUM);
      this.processor.process([], [[output]]);
      heard += output.filter((x) => x > LEVEL / 2).length;
    }
    return heard / RATE;
  }

  get report() {
    return this.processor.port.messages.findLast(({ type }) => type === "report");
  }
}

function near(actual, expected, tolerance = 0.1) {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);
}

test("of an answer that a published server sends at once, nothing is lost", () => {
  const playback = new Playback({ paced: false });
  for (let i = 0; i < 20; i++) playback.send(1);
  near(playback.play(1), 1);
  near(playback.report.depthMs, 19_000, 200);
  near(playback.play(30), 19);
  assert.equal(playback.report.dropped, 0);
  assert.equal(playback.report.underruns, 0);
});

test("nor of one that goes on to be sent ahead while it is played", () => {
  const playback = new Playback({ paced: false });
  let heard = 0;
  for (let i = 0; i < 40; i++) {
    playback.send(1);
    heard += playback.play(0.5);
  }
  near(heard + playback.play(30), 40);
  assert.equal(playback.report.dropped, 0);
});

test("a published answer of one long message is played as well", () => {
  const playback = new Playback({ paced: false });
  playback.send(90);
  near(playback.play(100), 90);
});

test("clear empties what a published server has sent ahead", () => {
  const playback = new Playback({ paced: false });
  for (let i = 0; i < 20; i++) playback.send(1);
  playback.play(1);
  playback.post({ type: "clear" });
  near(playback.play(2), 0);
  near(playback.report.depthMs, 0);
  playback.send(1);
  near(playback.play(2), 1);
});

test("a backlog has a bound, and says what it dropped", () => {
  const playback = new Playback({ paced: false });
  for (let i = 0; i < 12; i++) playback.send(60);
  playback.play(0.1);
  near(playback.report.depthMs, 600_000, 200);
  near(playback.report.dropped / RATE, 120);
});
