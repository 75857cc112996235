import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { WORKLETS } from "../../../rtc/static/rtc/sound.js";

const IMPORT = /^(?:import|export|\}) .*"\.\/([\w-]+)\.js";$/gm;

function withImports(module) {
  const found = new Set([module]);
  for (const name of found) {
    const text = readFileSync(new URL(`../../../rtc/static/rtc/${name}.js`, import.meta.url), "utf8");
    for (const [, imported] of text.matchAll(IMPORT)) found.add(imported);
  }
  return [...found].sort();
}

for (const [name, modules] of Object.entries(WORKLETS)) {
  test(`all that the ${name} worklet imports is asked for at once`, () => {
    assert.deepEqual([...modules].sort(), withImports(`${name}-worklet`));
  });
}
