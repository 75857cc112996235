import assert from "node:assert/strict";
import { test } from "node:test";

import { Concealment } from "../../../rtc/static/rtc/concealment.js";

const RATE = 48000;
const MS = RATE / 1000;

function voiced(frequencyHz, milliseconds, fromSample = 0) {
  return Float32Array.from({ length: milliseconds * MS }, (_, i) => {
    const turn = (2 * Math.PI * frequencyHz * (fromSample + i)) / RATE;
    return 0.4 * Math.sin(turn) + 0.2 * Math.sin(2 * turn + 1) + 0.1 * Math.sin(5 * turn);
  });
}

function concealed(history, milliseconds, total = milliseconds) {
  const concealment = new Concealment(RATE);
  for (let i = 0; i < history.length; i += 128) concealment.remember(history.subarray(i, i + 128));
  concealment.begin(total);
  return Float32Array.from({ length: milliseconds * MS }, () => concealment.next());
}

for (const frequencyHz of [80, 125, 220, 330]) {
  test(`a voice of ${frequencyHz} Hz goes on in pitch and phase`, () => {
    const history = voiced(frequencyHz, 100);
    const guessed = concealed(history, 10, 1000); // hardly fading yet
    const real = voiced(frequencyHz, 10, history.length);
    let [product, guessedEnergy, realEnergy] = [0, 0, 0];
    real.forEach((x, i) => {
      product += x * guessed[i];
      guessedEnergy += guessed[i] ** 2;
      realEnergy += x * x;
    });
    const likeness = product / Math.sqrt(guessedEnergy * realEnergy);
    assert.ok(likeness > 0.95, `${likeness}`);
  });
}

test("there is no step into it, in it or at its end", () => {
  const history = voiced(130, 100);
  const samples = [...history, ...concealed(history, 80, 60)];
  const steps = samples.slice(1).map((x, i) => Math.abs(x - samples[i]));
  const usual = Math.max(...steps.slice(0, history.length - 1));
  assert.ok(Math.max(...steps) <= 1.5 * usual, `${Math.max(...steps)} beside ${usual}`);
  assert.equal(samples.at(-1), 0);
});

test("it is silent after its time, and has been heard until shortly before", () => {
  const samples = concealed(voiced(130, 100), 61, 60);
  assert.ok(samples.subarray(45 * MS, 55 * MS).some((x) => Math.abs(x) > 0.02));
  assert.ok(samples.subarray(60 * MS).every((x) => x === 0));
});

test("silence is concealed by silence", () => {
  assert.ok(concealed(new Float32Array(100 * MS), 60).every((x) => x === 0));
});
