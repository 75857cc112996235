import assert from "node:assert/strict";
import { test } from "node:test";

import { ATTEMPTS, delayBefore, worthAnother } from "../../../rtc/static/rtc/backoff.js";

test("the wait doubles up to a limit", () => {
  const delays = Array.from({ length: ATTEMPTS }, (_, i) => delayBefore(i + 1, 0.5));
  assert.deepEqual(delays.slice(0, 5), [500, 1000, 2000, 4000, 8000]);
  assert.ok(delays.slice(5).every((delay) => delay === 15_000));
});

test("clients spread", () => {
  assert.equal(delayBefore(1, 0), 350);
  assert.equal(delayBefore(1, 1), 650);
});

const CASES = [
  // code, told why, had begun: worth another
  [4503, true, false, true],
  [4503, false, true, true],
  [1006, false, true, true],
  [1006, false, false, false],
  [1006, true, true, false],
  [1011, false, true, true],
  [null, false, true, true],
  [null, false, false, false],
  [1000, false, true, false],
  [4429, true, false, false],
  [4429, true, true, true],
  [4500, false, true, false],
];

for (const [code, told, stood, expected] of CASES) {
  test(`${code}, ${told ? "told" : "not told"}, ${stood ? "begun" : "not begun"}`, () => {
    assert.equal(worthAnother(code, told, stood), expected);
  });
}
