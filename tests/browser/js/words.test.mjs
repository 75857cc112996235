import assert from "node:assert/strict";
import { test } from "node:test";

import { Words } from "../../../rtc/static/rtc/words.js";

const own = { Connect: "Anrufen", "You sent: {text}": "Gesendet: {text}", "It failed ({code}).": "Fehler {code}." };
const words = new Words(own);

test("what the page gives is said, and English else", () => {
  assert.equal(words.say("Connect"), "Anrufen");
  assert.equal(words.say("Hang up"), "Hang up");
  assert.equal(words.say("constructor"), "constructor");
});

test("values are put in as they are", () => {
  assert.equal(words.say("You sent: {text}", { text: "$& {text}" }), "Gesendet: $& {text}");
  assert.equal(words.say("in {braces} {toString}"), "in {braces} {toString}");
});

test("the code of an error that nobody knows is kept", () => {
  assert.equal(words.say("It failed (418)."), "Fehler 418.");
  assert.equal(words.say("It broke (418)."), "It broke (418).");
});
