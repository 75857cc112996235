import assert from "node:assert/strict";
import { test } from "node:test";

import { LOST, NO_ANSWER, UNREACHABLE, endText, fieldTexts, inputText, microphoneText, withoutAdvice } from "../../../rtc/static/rtc/reasons.js";
import { vectors } from "./vectors.mjs";

const { reasons, codes } = vectors("endings");
const SENTENCES = /^([A-Z][^.]*[.] ?)+$/;

for (const reason of reasons) {
  test(`there are words for ${reason}`, () => {
    assert.notEqual(endText({ reason }, null), LOST);
    assert.match(endText({ reason }, null), SENTENCES);
  });
}

for (const code of codes) {
  test(`there are words for ${code} alone`, () => assert.notEqual(endText(null, code), LOST));
}

test("what the server says itself goes before", () => {
  assert.equal(endText({ reason: "done", message: "we close at five" }, 1000), "We close at five.");
});

test("what is not known is a loss", () => {
  assert.equal(endText(null, 1006), LOST);
  assert.equal(endText({ reason: "constructor_of_worlds" }, 1006), LOST);
});

test("who is called again by the page itself is not told to do it", () => {
  assert.equal(withoutAdvice(LOST), LOST);
  assert.equal(withoutAdvice(UNREACHABLE), "The server can't be reached. Look at your network connection.");
  assert.equal(withoutAdvice(NO_ANSWER), "The server did not answer.");
  assert.equal(withoutAdvice("This server is busy. Come again."), "This server is busy.");
  assert.equal(withoutAdvice(endText({ reason: "no_start" })), "The server waited too long for the call to begin.");
  for (const reason of reasons) assert.doesNotMatch(withoutAdvice(endText({ reason }, null)), /(try|come|connect) again/i);
});

test("what a form says is kept by field, and makes one text", () => {
  const answer = { errors: { name: [{ message: "this is too long" }], nights: [{ message: "Enter a number." }] } };
  assert.deepEqual(fieldTexts(answer), { name: ["This is too long."], nights: ["Enter a number."] });
  assert.equal(inputText(400, answer), "This is too long. Enter a number.");
  assert.deepEqual(fieldTexts(null), {});
});

test("each failure of a microphone says what to do", () => {
  for (const name of ["NotAllowedError", "NotFoundError", "NotReadableError", "AbortError"]) {
    assert.match(microphoneText({ name }), /connect again\.$/);
  }
  assert.match(microphoneText({ name: "OddError" }), /OddError/);
});
