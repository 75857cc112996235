import assert from "node:assert/strict";
import { test } from "node:test";

import { Quality } from "../../../rtc/static/rtc/quality.js";
import { Turns } from "../../../rtc/static/rtc/turns.js";

const LOUD = -20;
const QUIET = -80;

test("a turn: hearing, thinking, speaking, listening", () => {
  const turns = new Turns();
  assert.equal(turns.state(0), "listening");
  turns.log("started_talking", 1000);
  assert.equal(turns.state(1500), "hearing");
  turns.log("pause_detected", 2000);
  assert.equal(turns.state(2200), "thinking");
  turns.log("response_starting", 2300);
  assert.equal(turns.state(2400), "thinking");
  assert.equal(turns.playback(QUIET, 2500), null);
  assert.equal(turns.playback(LOUD, 2640), 640);
  assert.equal(turns.playback(LOUD, 2690), null);
  assert.equal(turns.state(2700), "speaking");
  assert.equal(turns.state(3200), "listening");
});

test("a short pause in an answer is no end of it", () => {
  const turns = new Turns();
  turns.playback(LOUD, 1000);
  assert.equal(turns.state(1350), "speaking");
  assert.equal(turns.state(1450), "listening");
});

test("a thought that makes no sound ends by itself", () => {
  const turns = new Turns();
  turns.log("pause_detected", 0);
  assert.equal(turns.state(29_000), "thinking");
  assert.equal(turns.state(31_000), "listening");
});

test("a stream that is not heard does not think", () => {
  const turns = new Turns({ answered: false });
  turns.log("started_talking", 0);
  assert.equal(turns.state(100), "hearing");
  turns.log("pause_detected", 200);
  assert.equal(turns.state(300), "listening");
});

test("who talks on was not answered", () => {
  const turns = new Turns();
  turns.log("pause_detected", 0);
  turns.log("started_talking", 300);
  assert.equal(turns.playback(LOUD, 500), null);
});

test("nothing is known of a connection before its first round trip", () => {
  assert.equal(new Quality().name, null);
});

for (const [roundTripMs, gaps, name] of [
  [20, 0, "good"],
  [200, 0, "good"],
  [201, 0, "fair"],
  [20, 1, "fair"],
  [20, 4, "poor"],
  [600, 0, "poor"],
]) {
  test(`${roundTripMs} ms and ${gaps} gaps are ${name}`, () => {
    const quality = new Quality();
    quality.roundTripMs = roundTripMs;
    quality.playback(gaps, 1000);
    assert.equal(quality.name, name);
  });
}

test("gaps are forgotten, and another call counts anew", () => {
  const quality = new Quality();
  quality.roundTripMs = 20;
  quality.playback(5, 1000);
  assert.equal(quality.name, "poor");
  quality.playback(5, 12_000);
  assert.equal(quality.name, "good");
  quality.playback(0, 13_000);
  quality.playback(1, 14_000);
  assert.equal(quality.name, "fair");
});
