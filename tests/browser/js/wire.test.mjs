import assert from "node:assert/strict";
import { test } from "node:test";

import * as wire from "../../../rtc/static/rtc/wire.js";
import { vectors } from "./vectors.mjs";

const { server, client } = vectors("wire");

for (const { wire: message, kind, value } of server) {
  test(`${JSON.stringify(message)} is ${kind}`, () => {
    const [read, content] = wire.readFrame(JSON.stringify(message));
    assert.equal(read, kind);
    if (content instanceof ArrayBuffer) assert.deepEqual(Array.from(new Uint8Array(content)), value);
    else if (value !== null) assert.deepEqual(content, value);
    else if (kind === "message") assert.deepEqual(content, message);
  });
}

for (const { name, arguments: given, wire: message } of client) {
  test(`${name}(${given ?? ""})`, () => {
    assert.deepEqual(given === null ? wire[name] : wire[name](...given), message);
  });
}

test("a binary frame is audio, as it is", () => {
  const frame = Uint8Array.of(0, 127, 255).buffer;
  assert.deepEqual(wire.readFrame(frame), ["audio", frame]);
});
