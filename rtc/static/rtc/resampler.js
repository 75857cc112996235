// Rational-rate resampler: a Kaiser-windowed sinc in polyphase form that keeps its state between
// calls, so that any split of the audio gives the same samples.

const ZERO_CROSSINGS = 32; // a side, at the lower of the two rates
const KAISER_BETA = 8; // 80 dB of stop-band
const ROLLOFF = 0.92; // the pass-band ends here, in parts of the lower Nyquist frequency

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function kaiser(position) {
  if (Math.abs(position) >= 1) return 0;
  return besselI0(KAISER_BETA * Math.sqrt(1 - position * position)) / besselI0(KAISER_BETA);
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** One row of `taps` coefficients for each of the `up` fractional positions; each row sums to 1. */
function polyphaseFilter(up, taps, cutoff) {
  const filter = new Float32Array(up * taps);
  const centre = taps / 2 - 1;
  for (let phase = 0; phase < up; phase++) {
    const row = filter.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      const distance = k - centre - phase / up;
      row[k] = sinc(distance * cutoff) * kaiser(distance / (taps / 2));
      sum += row[k];
    }
    for (let k = 0; k < taps; k++) row[k] /= sum;
  }
  return filter;
}

export class Resampler {
  /** Rates in Hz, whole numbers. */
  constructor(sourceRate, targetRate) {
    const divisor = greatestCommonDivisor(sourceRate, targetRate);
    this.up = targetRate / divisor;
    this.down = sourceRate / divisor;
    const narrowing = Math.min(1, this.up / this.down);
    this.taps = 2 * Math.ceil(ZERO_CROSSINGS / narrowing);
    if (this.up !== this.down) this.filter = polyphaseFilter(this.up, this.taps, narrowing * ROLLOFF);
    this.reset();
  }

  reset() {
    // Half a filter of silence before the first sample, so that the output is not late.
    this.pending = new Float32Array(this.taps / 2 - 1);
    this.phase = 0;
  }

  /** Float32Array in, Float32Array out; at equal rates the input itself. */
  process(samples) {
    if (this.up === this.down) return samples;
    const input = this.joined(samples);
    const output = new Float32Array(Math.ceil((input.length * this.up) / this.down) + 1);
    let start = 0;
    let produced = 0;
    for (; start + this.taps <= input.length; produced++) {
      output[produced] = this.filtered(input, start);
      this.phase += this.down;
      start += Math.floor(this.phase / this.up);
      this.phase %= this.up;
    }
    this.pending = input.slice(start);
    return output.subarray(0, produced);
  }

  /** What the filter still holds; the resampler is fresh afterwards. */
  flush() {
    const tail = this.process(new Float32Array(this.up === this.down ? 0 : this.taps / 2));
    this.reset();
    return tail;
  }

  joined(samples) {
    const input = new Float32Array(this.pending.length + samples.length);
    input.set(this.pending);
    input.set(samples, this.pending.length);
    return input;
  }

  filtered(input, start) {
    const row = this.phase * this.taps;
    let sum = 0;
    for (let k = 0; k < this.taps; k++) sum += this.filter[row + k] * input[start + k];
    return sum;
  }
}
