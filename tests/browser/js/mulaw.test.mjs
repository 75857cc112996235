import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { vectors } from "./vectors.mjs";
import { decode, decodeInt16, encode, encodeInt16 } from "../../../rtc/static/rtc/mulaw.js";

const { mulaw } = createRequire(import.meta.url)("alawmulaw");
const CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const NEGATIVE_ZERO = 0x7f;
const POSITIVE_ZERO = 0xff;

test("the codes stand for the levels of G.711", () => {
  const levels = decodeInt16(CODES);
  assert.equal(levels[0x00], -32124);
  assert.equal(levels[0x80], 32124);
  assert.equal(levels[0x8f], 16764);
  assert.equal(levels[0xfe], 8);
  assert.equal(levels[POSITIVE_ZERO], 0);
  assert.equal(levels[NEGATIVE_ZERO], 0);
});

test("levels and codes are the server's", () => {
  const { levels, encoded } = vectors("mulaw");
  assert.deepEqual(Array.from(decodeInt16(CODES)), levels);
  for (const [sample, code] of encoded) assert.equal(encodeInt16(Int16Array.of(sample))[0], code);
});

test("every code survives decoding and encoding, but for the second zero", () => {
  const codes = encodeInt16(decodeInt16(CODES));
  CODES.forEach((code) => assert.equal(codes[code], code === NEGATIVE_ZERO ? POSITIVE_ZERO : code));
});

test("every sample comes back within its step, with its sign", () => {
  const samples = Int16Array.from({ length: 65536 }, (_, index) => index - 32768);
  const back = decodeInt16(encodeInt16(samples));
  samples.forEach((sample, i) => {
    const step = Math.max(8, Math.abs(back[i]) / 16);
    const clipped = Math.max(-32635, Math.min(32635, sample));
    assert.ok(Math.abs(back[i] - clipped) <= step, `${sample} became ${back[i]}`);
  });
});

test("decoding agrees with another implementation", () => {
  assert.deepEqual(Array.from(decodeInt16(CODES)), Array.from(mulaw.decode(CODES)));
});

test("floats are scaled to full scale and clipped", () => {
  assert.deepEqual(Array.from(encode(Float32Array.of(0, 1, -1, 7, -7))), [0xff, 0x80, 0x00, 0x80, 0x00]);
  assert.equal(decode(Uint8Array.of(0x80))[0], 32124 / 32768);
});
