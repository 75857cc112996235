// The adaptive playback buffer. Pure: it counts time in samples pulled, so it runs anywhere.

import { Concealment } from "./concealment.js";

const MINIMUM_TARGET_MS = 60;
const MAXIMUM_TARGET_MS = 300;
const GROWTH_MS = 40; // after each underrun
const DECAY_MS = 10; // after each quiet period
const DECAY_PERIOD_MS = 10_000;
// Audio that comes back within this time was late; after it, something new was said.
const UNDERRUN_WINDOW_MS = 300;
// After an underrun the pause itself has added delay, so less is awaited than at a start.
const RESUME_MS = 40;
// The server sends 200 ms ahead. What stands above that for a whole window is delay to be rid of.
const EXCESS_MS = 240;
const EXCESS_WINDOW_MS = 3000;
const CUT_MS = 5;
const CUT_PERIOD_MS = 100;
// The server sends no more than its lead ahead of what is said now. So much above the target is lateness, after a stall
// of the network say: unless what came was the last of an answer, it is not worth hearing.
const LATE_MS = 1000;
const LATE_WINDOW_MS = 1000; // it has to last, while audio goes on to come
const LIVE_GAP_MS = 200; // after a longer one, audio comes anew
// A page that slept: beyond this the oldest audio is dropped.
const CAPACITY_MS = 5000;
const CONCEALED_MS = 60; // of a gap; what is longer is silent
const FADE_MS = 4;

export class JitterBuffer {
  /** `sampleRate` in Hz is that of the samples pushed and pulled. */
  constructor(sampleRate) {
    this.samplesPerMs = sampleRate / 1000;
    this.ring = new Float32Array(this.samples(CAPACITY_MS));
    this.read = 0; // absolute positions; the ring index is the remainder
    this.written = 0;
    this.clock = 0; // samples pulled so far, silence included
    this.targetMs = MINIMUM_TARGET_MS;
    this.underruns = 0;
    this.dropped = 0;
    this.marks = [];
    this.playing = false;
    this.wait(MINIMUM_TARGET_MS);
    this.dryAt = null;
    this.lastChange = 0;
    this.restartExcess();
    this.nextCut = 0;
    this.arrivedAt = 0;
    this.liveSince = 0; // since when audio has come without a break
    this.lateSince = 0;
    this.jumping = false;
    this.fade = this.samples(FADE_MS);
    this.fadedIn = 0;
    this.concealment = new Concealment(sampleRate);
  }

  samples(milliseconds) {
    return Math.round(milliseconds * this.samplesPerMs);
  }

  get depth() {
    return this.written - this.read;
  }

  get depthMs() {
    return this.depth / this.samplesPerMs;
  }

  push(samples) {
    if (this.dryAt !== null) this.judgeSilence();
    for (let i = 0; i < samples.length; i++) this.ring[(this.written + i) % this.ring.length] = samples[i];
    this.written += samples.length;
    this.watchLateness();
    const overflow = this.depth - this.ring.length;
    if (overflow > 0) {
      this.read += overflow;
      this.dropped += overflow;
    }
  }

  /** Reported by `pull` once all audio pushed before it has been played. */
  mark(name) {
    this.marks.push({ name, position: this.written });
  }

  /** Drops all audio; returns the names of the marks that stood in it. */
  clear() {
    this.dropped += this.depth;
    this.read = this.written;
    if (this.playing) this.concealment.begin(FADE_MS);
    this.rest(null);
    return this.passedMarks();
  }

  /** Fills `output` and returns the names of the marks reached. */
  pull(output) {
    this.clock += output.length;
    if (!this.playing && this.ready(output.length)) this.start();
    const played = this.playing ? this.play(output) : 0;
    this.concealment.remember(output.subarray(0, played));
    if (this.playing && played < output.length) {
      this.concealment.begin(CONCEALED_MS);
      this.rest(this.clock);
    }
    for (let i = played; i < output.length; i++) output[i] = this.concealment.next();
    this.concealment.remember(output.subarray(played));
    return this.passedMarks();
  }

  // ---- waiting

  wait(thresholdMs) {
    this.threshold = this.samples(thresholdMs);
    this.waited = 0;
  }

  ready(elapsed) {
    if (this.depth === 0) return false;
    // A beep shorter than the threshold is played as well, only later.
    this.waited += elapsed;
    return this.depth >= this.threshold || this.waited > this.threshold;
  }

  start() {
    this.playing = true;
    this.fadedIn = 0;
    this.restartExcess();
  }

  rest(dryAt) {
    this.playing = false;
    this.dryAt = dryAt;
    this.wait(this.targetMs);
  }

  judgeSilence() {
    if (this.clock - this.dryAt < this.samples(UNDERRUN_WINDOW_MS)) {
      this.underruns += 1;
      this.targetMs = Math.min(MAXIMUM_TARGET_MS, this.targetMs + GROWTH_MS);
      this.lastChange = this.clock;
      this.wait(RESUME_MS);
    }
    this.dryAt = null;
  }

  // ---- playing

  /** Returns how many samples there were. */
  play(output) {
    const count = Math.min(output.length, this.depth);
    const cut = this.cutLength(count);
    for (let i = 0; i < count; i++) output[i] = this.joined(this.sampleAt(i, cut, count));
    this.read += count + cut;
    if (count === output.length) {
      this.watchExcess();
      if (!this.late) this.lateSince = this.clock;
      this.shrink();
    }
    return count;
  }

  sampleAt(offset, cut, count) {
    const sample = this.ring[(this.read + offset) % this.ring.length];
    if (cut === 0) return sample;
    const weight = (offset + 1) / count;
    return sample * (1 - weight) + this.ring[(this.read + cut + offset) % this.ring.length] * weight;
  }

  /** Fades from what was played instead, or from silence: a step would click. */
  joined(sample) {
    if (this.fadedIn >= this.fade) return sample;
    this.fadedIn += 1;
    const weight = this.fadedIn / this.fade;
    if (weight === 1) this.concealment.stop();
    return sample * weight + this.concealment.next() * (1 - weight);
  }

  shrink() {
    if (this.clock - this.lastChange < this.samples(DECAY_PERIOD_MS)) return;
    this.lastChange = this.clock;
    this.targetMs = Math.max(MINIMUM_TARGET_MS, this.targetMs - DECAY_MS);
  }

  // ---- catching up: a device clock that is slow, or what a stall of the network left behind

  restartExcess() {
    this.leastDepth = Infinity;
    this.windowEnd = this.clock + this.samples(EXCESS_WINDOW_MS);
    this.excess = 0;
  }

  watchExcess() {
    this.leastDepth = Math.min(this.leastDepth, this.depth);
    if (this.clock < this.windowEnd) return;
    const excess = this.leastDepth - this.samples(this.targetMs + EXCESS_MS);
    this.restartExcess();
    this.excess = Math.max(0, excess);
  }

  get late() {
    return this.depth > this.samples(this.targetMs + LATE_MS);
  }

  /** Audio has come. What was late for long, while the newest was already there, is left out. */
  watchLateness() {
    if (this.clock - this.arrivedAt > this.samples(LIVE_GAP_MS)) this.liveSince = this.clock;
    this.arrivedAt = this.clock;
    const since = Math.max(this.liveSince, this.lateSince);
    this.jumping = this.late && this.clock - since >= this.samples(LATE_WINDOW_MS);
  }

  /** Time went on while nothing was pulled: what waits is late as soon as more comes. */
  resumed() {
    if (!this.late) return;
    this.arrivedAt = this.clock;
    this.liveSince = this.lateSince = -Infinity;
  }

  jumpLength(count) {
    this.jumping = false;
    this.restartExcess();
    this.lateSince = this.clock;
    const length = this.depth - count - this.samples(this.targetMs);
    this.dropped += length;
    return length;
  }

  cutLength(count) {
    if (this.jumping && this.late) return this.jumpLength(count);
    const length = this.samples(CUT_MS);
    if (this.excess < length || this.clock < this.nextCut || this.depth < count + length) return 0;
    this.nextCut = this.clock + this.samples(CUT_PERIOD_MS);
    this.excess -= length;
    this.dropped += length;
    return length;
  }

  passedMarks() {
    const names = [];
    while (this.marks.length > 0 && this.marks[0].position <= this.read) names.push(this.marks.shift().name);
    return names;
  }
}
