import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler } from "../../../rtc/static/rtc/resampler.js";

const RATE_PAIRS = [
  [48000, 24000],
  [44100, 24000],
  [24000, 48000],
  [24000, 44100],
  [44100, 48000],
  [96000, 24000],
  [48000, 16000],
];
const QUANTUM = 128;
const EDGE_S = 0.01; // the filter's own length, left out at both ends

function sine(frequencyHz, sampleRate, seconds) {
  const step = (2 * Math.PI * frequencyHz) / sampleRate;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => 0.5 * Math.sin(step * i));
}

function resampled(samples, sourceRate, targetRate, size = QUANTUM) {
  const resampler = new Resampler(sourceRate, targetRate);
  const output = [];
  for (let i = 0; i < samples.length; i += size) output.push(...resampler.process(samples.subarray(i, i + size)));
  output.push(...resampler.flush());
  return Float32Array.from(output);
}

function powerDb(samples) {
  return 10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length + 1e-20);
}

function inner(samples, sampleRate) {
  return samples.subarray(EDGE_S * sampleRate, samples.length - EDGE_S * sampleRate);
}

for (const [source, target] of RATE_PAIRS) {
  test(`${source} to ${target}: a tone keeps pitch, level and place`, () => {
    const output = resampled(sine(1000, source, 0.5), source, target);
    const expected = sine(1000, target, 0.5);
    assert.ok(Math.abs(output.length - expected.length) <= 1, `${output.length} samples`);
    const error = output.map((x, i) => x - (expected[i] ?? 0));
    const signalToNoiseDb = powerDb(expected) - powerDb(inner(error.subarray(0, expected.length - 1), target));
    assert.ok(signalToNoiseDb > 70, `${signalToNoiseDb} dB`);
  });

  test(`${source} to ${target}: any split gives the same samples`, () => {
    const samples = sine(440, source, 0.1);
    const whole = resampled(samples, source, target, samples.length);
    for (const size of [1, 37, 128, 999]) assert.deepEqual(resampled(samples, source, target, size), whole);
  });
}

test("what the lower rate can't hold is taken out", () => {
  const output = resampled(sine(15000, 48000, 0.5), 48000, 24000);
  assert.ok(powerDb(inner(output, 24000)) < -80, `${powerDb(inner(output, 24000))} dB`);
});

test("speech's band passes whole", () => {
  const output = resampled(sine(9000, 48000, 0.5), 48000, 24000);
  assert.ok(Math.abs(powerDb(inner(output, 24000)) - powerDb(sine(9000, 24000, 0.5))) < 0.1);
});

test("equal rates hand the input through", () => {
  const samples = sine(440, 24000, 0.01);
  assert.equal(new Resampler(24000, 24000).process(samples), samples);
});

test("after a flush nothing is left of what was before", () => {
  const resampler = new Resampler(48000, 24000);
  resampler.process(sine(440, 48000, 0.1));
  resampler.flush();
  assert.ok(resampler.process(new Float32Array(4800)).every((sample) => sample === 0));
});
