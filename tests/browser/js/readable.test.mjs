import assert from "node:assert/strict";
import { test } from "node:test";

import { readable } from "../../../rtc/static/rtc/readable.js";

const CASES = [
  ["plain words", "plain words"],
  [0, "0"],
  [false, "false"],
  [null, "none"],
  ["", ""],
  [[], "an empty list"],
  [{}, "nothing"],
  [[1, "two", null], "1, two, none"],
  [{ loudness_dbfs: -30.2 }, "loudness_dbfs: -30.2"],
  [{ text: "hello", words: 1 }, "text: hello\nwords: 1"],
  [{ box: { x: 1, y: [2, 3] } }, "box: (x: 1, y: [2, 3])"],
  [[{ role: "user", content: "hi" }, { role: "assistant", content: "yes?" }], "role: user, content: hi\nrole: assistant, content: yes?"],
  [[[1, 2], [3]], "[1, 2], [3]"],
];

for (const [value, text] of CASES) {
  test(`${JSON.stringify(value)} as text`, () => assert.equal(readable(value), text));
}

test("what is long is shortened, and no character cut in half", () => {
  assert.equal(readable("🎙".repeat(200)), "🎙".repeat(200));
  assert.equal(readable("🎙".repeat(201)), `${"🎙".repeat(200)}…`);
  assert.match(readable({ text: "word ".repeat(1000) }), /^text: (word )+word?…$/);
  assert.ok(readable({ text: "word ".repeat(1000) }).length <= 201);
});

test("what is deep is left out", () => {
  assert.equal(readable(JSON.parse("[".repeat(2000) + "]".repeat(2000))), "[[[…]]]");
  assert.equal(readable({ a: { b: { c: { d: { e: 1 } } } } }), "a: (b: (c: (d: …)))");
});
