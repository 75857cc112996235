import assert from "node:assert/strict";
import { test } from "node:test";

import { JitterBuffer } from "../../../rtc/static/rtc/jitter-buffer.js";

const RATE = 48000;
const MS = RATE / 1000;
const QUANTUM = 128;
const MINIMUM_MS = 60;

/** Pulls `milliseconds` of sound in render quanta; returns it with the marks reached. */
function pull(buffer, milliseconds) {
  const samples = [];
  const marks = [];
  while (samples.length < milliseconds * MS) {
    const output = new Float32Array(QUANTUM).fill(NaN);
    marks.push(...buffer.pull(output));
    samples.push(...output);
  }
  return { samples, marks };
}

function tone(milliseconds, level = 0.5) {
  return new Float32Array(Math.round(milliseconds * MS)).fill(level);
}

/** A call of `seconds`, a 20 ms frame at a time; what is due during a stall comes at its end. */
function stream(buffer, seconds, { stallAtMs = Infinity, stallMs = 0 } = {}) {
  const played = [];
  let pushedMs = 0;
  while (played.length < seconds * RATE) {
    const nowMs = played.length / MS;
    const stalled = nowMs >= stallAtMs && nowMs < stallAtMs + stallMs;
    for (; !stalled && pushedMs <= nowMs; pushedMs += 20) buffer.push(tone(20));
    played.push(...pull(buffer, QUANTUM / MS).samples);
  }
  return played;
}

function longestGapMs(samples) {
  const first = samples.findIndex((x) => x !== 0);
  let longest = 0;
  let current = 0;
  for (const sample of samples.slice(first)) {
    current = sample === 0 ? current + 1 : 0;
    longest = Math.max(longest, current);
  }
  return longest / MS;
}

test("nothing is played until the target is reached", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(MINIMUM_MS - 20));
  assert.ok(pull(buffer, 20).samples.every((x) => x === 0));
  buffer.push(tone(40));
  assert.ok(pull(buffer, 20).samples.some((x) => x > 0.4));
});

test("a beep shorter than the target is played, only later", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(20));
  const { samples } = pull(buffer, 200);
  assert.ok(samples.filter((x) => x === 0.5).length >= 16 * MS); // the fade is the rest
});

test("all that was pushed comes out, in order", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(Float32Array.from({ length: 200 * MS }, (_, i) => (i + 1) / (200 * MS)));
  const heard = pull(buffer, 150).samples.slice(10 * MS);
  heard.forEach((x, i) => assert.ok(Math.abs(x - (i + 1 + 10 * MS) / (200 * MS)) < 1e-6));
});

test("neither start, underrun nor clear makes a step", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(100));
  const samples = pull(buffer, 150).samples;
  buffer.push(tone(200));
  samples.push(...pull(buffer, 100).samples);
  buffer.clear();
  samples.push(...pull(buffer, 50).samples);
  const steps = samples.slice(1).map((x, i) => Math.abs(x - samples[i]));
  assert.ok(Math.max(...steps) <= 0.5 / (4 * MS) + 1e-6);
  assert.equal(samples.at(-1), 0);
});

test("a steady stream plays without a gap and without growing", () => {
  const buffer = new JitterBuffer(RATE);
  assert.equal(longestGapMs(stream(buffer, 60)), 0);
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.targetMs, MINIMUM_MS);
});

test("an underrun raises the target, quiet times lower it again", () => {
  const buffer = new JitterBuffer(RATE);
  stream(buffer, 3, { stallAtMs: 1000, stallMs: 200 });
  assert.equal(buffer.underruns, 1);
  assert.equal(buffer.targetMs, MINIMUM_MS + 40);
  stream(buffer, 60);
  assert.equal(buffer.targetMs, MINIMUM_MS);
});

test("of a gap, the first 60 ms are concealed", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(100));
  const { samples } = pull(buffer, 200);
  const heardUntil = samples.findLastIndex((x) => x !== 0);
  assert.ok(Math.abs(heardUntil - (100 + 60) * MS) < 2 * MS, `${heardUntil / MS} ms`);
});

test("of stalls of 120 ms, one a second, only the first ones are met unprepared, and hardly heard", () => {
  const buffer = new JitterBuffer(RATE);
  const played = [];
  for (let i = 0; i < 30; i++) played.push(...stream(buffer, 1, { stallAtMs: 500, stallMs: 120 }));
  assert.ok(buffer.underruns <= 2, `${buffer.underruns} underruns`);
  assert.ok(longestGapMs(played.slice(0, 3 * RATE)) < 40);
  assert.equal(longestGapMs(played.slice(3 * RATE)), 0);
});

test("the end of an utterance is no underrun", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(300));
  pull(buffer, 1000);
  buffer.push(tone(300));
  pull(buffer, 100);
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.targetMs, MINIMUM_MS);
});

test("the target has a ceiling", () => {
  const buffer = new JitterBuffer(RATE);
  for (let i = 0; i < 20; i++) {
    buffer.push(tone(50));
    pull(buffer, 200);
  }
  assert.equal(buffer.targetMs, 300);
});

test("the lead of the server is left alone, more than that is caught up with", () => {
  const led = new JitterBuffer(RATE);
  led.push(tone(200));
  stream(led, 20);
  assert.equal(led.dropped, 0);
  const behind = new JitterBuffer(RATE);
  behind.push(tone(800));
  const played = stream(behind, 30);
  assert.ok(behind.depthMs <= MINIMUM_MS + 240 + 20, `${behind.depthMs} ms`);
  assert.equal(longestGapMs(played), 0);
});

test("a page that slept drops the oldest", () => {
  const buffer = new JitterBuffer(RATE);
  for (let i = 0; i < 700; i++) buffer.push(tone(10, i / 700));
  assert.equal(buffer.depthMs, 5000);
  assert.ok(Math.abs(pull(buffer, 16).samples.at(-1) - 201 / 700) < 1e-6);
});

test("a mark is reached when what came before it has been played, not earlier", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(100));
  buffer.mark("half");
  buffer.push(tone(100));
  buffer.mark("end");
  assert.deepEqual(pull(buffer, 96).marks, []);
  assert.deepEqual(pull(buffer, 8).marks, ["half"]);
  assert.deepEqual(pull(buffer, 200).marks, ["end"]);
});

test("a mark with nothing before it is reached at once", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.mark("empty");
  assert.deepEqual(pull(buffer, 1).marks, ["empty"]);
});

test("clear drops the audio and reaches the marks in it", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(300));
  buffer.mark("first");
  pull(buffer, 100);
  buffer.push(tone(300));
  buffer.mark("second");
  assert.deepEqual(buffer.clear(), ["first", "second"]);
  assert.equal(buffer.depth, 0);
  pull(buffer, 10);
  assert.ok(pull(buffer, 100).samples.every((x) => x === 0));
});

/** A tone whose frames come at once, `seconds` of it. */
function burst(buffer, seconds) {
  for (let i = 0; i < seconds * 50; i++) buffer.push(tone(20));
}

function largestStep(samples) {
  return samples.slice(1).reduce((largest, x, i) => Math.max(largest, Math.abs(x - samples[i])), 0);
}

for (const stallMs of [2000, 4000, 7000]) {
  test(`${stallMs} ms after a stall of the network, playback is back in time within 2 s, without a gap`, () => {
    const buffer = new JitterBuffer(RATE);
    stream(buffer, 1 + stallMs / 1000, { stallAtMs: 1000, stallMs });
    burst(buffer, Math.min(stallMs, 6000) / 1000);
    const played = stream(buffer, 2);
    assert.ok(buffer.depthMs <= buffer.targetMs + 240, `${buffer.depthMs} ms`);
    assert.equal(longestGapMs(played.slice(RATE / 2)), 0);
    assert.ok(largestStep(played) < 0.01);
  });
}

test("a jump is a crossfade", () => {
  const buffer = new JitterBuffer(RATE);
  for (let i = 0; i < 100; i++) buffer.push(tone(20, i < 60 ? 0.5 : -0.5));
  const played = [];
  for (let i = 0; i < 100; i++) {
    played.push(...pull(buffer, 20).samples);
    buffer.push(tone(20, -0.5));
  }
  assert.ok(buffer.depthMs < 300, `${buffer.depthMs} ms`);
  assert.ok(largestStep(played) < 0.01, `${largestStep(played)}`);
});

test("a jump reaches the marks that it passes", () => {
  const buffer = new JitterBuffer(RATE);
  burst(buffer, 2);
  buffer.mark("passed");
  const marks = [];
  for (let nowMs = 0; nowMs < 1200; nowMs += 20) {
    marks.push(...pull(buffer, 20).marks);
    buffer.push(tone(20));
  }
  assert.deepEqual(marks, ["passed"]);
  assert.ok(buffer.depthMs < 300, `${buffer.depthMs} ms`);
});

test("an answer that has come to its end is played, however late", () => {
  const buffer = new JitterBuffer(RATE);
  pull(buffer, 5000);
  burst(buffer, 4);
  const { samples } = pull(buffer, 5000);
  assert.ok(buffer.dropped < 100 * MS, `${buffer.dropped / MS} ms`);
  assert.ok(samples.filter((x) => x === 0.5).length >= 3900 * MS);
});

test("after a pause of the device, what comes next is played at once", () => {
  const buffer = new JitterBuffer(RATE);
  stream(buffer, 2);
  burst(buffer, 4);
  buffer.resumed();
  buffer.push(tone(20));
  pull(buffer, 20);
  assert.ok(buffer.depthMs <= MINIMUM_MS + 20, `${buffer.depthMs} ms`);
});

test("a burst with which audio begins after a pause of the device is played whole", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.resumed();
  burst(buffer, 3);
  pull(buffer, 500);
  assert.equal(buffer.dropped, 0);
});

test("what was said to its end while the device paused is played all the same", () => {
  const buffer = new JitterBuffer(RATE);
  stream(buffer, 2);
  burst(buffer, 4);
  buffer.resumed();
  pull(buffer, 5000);
  assert.equal(buffer.dropped, 0);
  buffer.push(tone(20));
  assert.equal(buffer.dropped, 0);
});
