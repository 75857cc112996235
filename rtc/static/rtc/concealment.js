// What is played where audio is missing: the last pitch period again and again, ever softer, after the idea of
// ITU-T G.711 Appendix I. Pure: it knows samples alone.

const SHORTEST_PERIOD_MS = 2.5; // 400 Hz
const LONGEST_PERIOD_MS = 15; // 67 Hz
const COMPARED_MS = 10;
const COARSE_STEP = 4; // samples; the best lag is then looked for around the best of these
const JOIN_MS = 2; // within which a step to the first repeated sample is evened out

export class Concealment {
  /** `sampleRate` in Hz. */
  constructor(sampleRate) {
    const samples = (milliseconds) => Math.round((milliseconds * sampleRate) / 1000);
    this.shortest = samples(SHORTEST_PERIOD_MS);
    this.longest = samples(LONGEST_PERIOD_MS);
    this.compared = samples(COMPARED_MS);
    this.join = samples(JOIN_MS);
    this.samplesPerMs = sampleRate / 1000;
    this.history = new Float32Array(this.longest + this.compared + this.longest);
    this.left = 0; // samples until it is silent
  }

  get active() {
    return this.left > 0;
  }

  /** Takes note of what was played. */
  remember(played) {
    const { history } = this;
    const kept = Math.min(played.length, history.length);
    history.copyWithin(0, kept);
    history.set(played.subarray(played.length - kept), history.length - kept);
  }

  /** Goes on from what was remembered last, down to silence within `milliseconds`. */
  begin(milliseconds) {
    const { history } = this;
    const end = history.length;
    const length = this.pitchPeriod();
    this.period = history.slice(end - length);
    // The end of the period turns into what came before its start, so that it can follow itself.
    const blended = Math.floor(length / 4);
    for (let i = 0; i < blended; i++) {
      const weight = (i + 1) / blended;
      const before = history[end - length - blended + i];
      this.period[length - blended + i] += (before - this.period[length - blended + i]) * weight;
    }
    this.offset = history[end - 1] - history[end - length - 1];
    this.total = Math.round(milliseconds * this.samplesPerMs);
    this.left = this.total;
  }

  stop() {
    this.left = 0;
  }

  /** The next sample; 0 when there is nothing more to conceal. */
  next() {
    if (this.left === 0) return 0;
    const done = this.total - this.left;
    const join = Math.max(0, 1 - done / this.join) * this.offset;
    const sample = this.period[done % this.period.length] + join;
    this.left -= 1;
    return (sample * this.left) / this.total;
  }

  /** The lag, in samples, at which the last COMPARED_MS are most like what came before them. */
  pitchPeriod() {
    const coarse = this.bestLag(this.shortest, this.longest, COARSE_STEP, COARSE_STEP);
    const first = Math.max(this.shortest, coarse - COARSE_STEP + 1);
    return this.bestLag(first, Math.min(this.longest, coarse + COARSE_STEP - 1), 1, 2);
  }

  bestLag(first, last, lagStep, sampleStep) {
    let best = first;
    let highest = -Infinity;
    for (let lag = first; lag <= last; lag += lagStep) {
      const score = this.likeness(lag, sampleStep);
      if (score > highest) [best, highest] = [lag, score];
    }
    return best;
  }

  likeness(lag, step) {
    const { history } = this;
    let product = 0;
    let energy = 1e-9;
    for (let i = history.length - this.compared; i < history.length; i += step) {
      const earlier = history[i - lag];
      product += history[i] * earlier;
      energy += earlier * earlier;
    }
    return product / Math.sqrt(energy);
  }
}
