// How good a connection is, in a word. Pure.

const WINDOW_MS = 10_000; // what is longer ago does not count

const LEVELS = [
  { name: "good", roundTripMs: 200, gaps: 0 },
  { name: "fair", roundTripMs: 500, gaps: 3 },
];

/** Looks at round trips and at gaps in playback. */
export class Quality {
  constructor() {
    this.roundTripMs = null;
    this.underruns = 0;
    this.gaps = []; // when each was, in ms
  }

  /** @param {number} underruns since the call began, as the jitter buffer counts them */
  playback(underruns, nowMs) {
    for (; this.underruns < underruns; this.underruns++) this.gaps.push(nowMs);
    this.underruns = underruns;
    while (this.gaps.length > 0 && nowMs - this.gaps[0] > WINDOW_MS) this.gaps.shift();
  }

  /** @returns {"good" | "fair" | "poor" | null} null: nothing is known yet */
  get name() {
    if (this.roundTripMs === null) return null;
    const level = LEVELS.find(({ roundTripMs, gaps }) => this.roundTripMs <= roundTripMs && this.gaps.length <= gaps);
    return level?.name ?? "poor";
  }
}
