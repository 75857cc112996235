// Mu-law after ITU-T G.711, both ways by table.

const BIAS = 0x84;
const CLIP = 32635;

function compress(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), CLIP) + BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function expand(code) {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 0x07;
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << exponent) - BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
}

const ENCODED = Uint8Array.from({ length: 65536 }, (_, index) => compress((index << 16) >> 16));
const DECODED = Int16Array.from({ length: 256 }, (_, code) => expand(code));

/** Int16Array to mu-law bytes. */
export function encodeInt16(samples) {
  const bytes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) bytes[i] = ENCODED[samples[i] & 0xffff];
  return bytes;
}

/** Float32Array of -1 to 1 (clipped beyond) to mu-law bytes. */
export function encode(samples) {
  const bytes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const clipped = Math.max(-1, Math.min(1, samples[i]));
    bytes[i] = ENCODED[Math.round(clipped * 32767) & 0xffff];
  }
  return bytes;
}

/** Mu-law bytes to Int16Array. */
export function decodeInt16(bytes) {
  const samples = new Int16Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) samples[i] = DECODED[bytes[i]];
  return samples;
}

/** Mu-law bytes to Float32Array of -1 to 1. */
export function decode(bytes) {
  const samples = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) samples[i] = DECODED[bytes[i]] / 32768;
  return samples;
}
