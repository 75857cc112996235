// Whose turn it is, from what the stream says of it and from what is heard. Pure.

const SPEAKING_DB = -50;
const SPEAKING_HOLD_MS = 400; // a short pause in an answer is no end of it
const LONGEST_THOUGHT_MS = 30_000; // an answer may have no sound

export class Turns {
  /** `answered`: whether the stream is heard; one that is not doesn't let anybody wait for its answer. */
  constructor({ answered = true } = {}) {
    this.answered = answered;
    this.spokeAt = -Infinity;
    this.pausedAt = null;
    this.hearing = false;
  }

  /** @param {string} what the `data` of a `log` message */
  log(what, nowMs) {
    if (what === "started_talking") {
      this.hearing = true;
      this.pausedAt = null;
    } else if (what === "pause_detected") {
      this.hearing = false;
      this.pausedAt = this.answered ? nowMs : null;
    }
  }

  /**
   * @param {number} levelDb of what is played; -Infinity: nothing is
   * @returns {number | null} how long the user waited for an answer, in ms, when it begins now
   */
  playback(levelDb, nowMs) {
    if (levelDb <= SPEAKING_DB) return null;
    this.spokeAt = nowMs;
    if (this.pausedAt === null) return null;
    const replyMs = nowMs - this.pausedAt;
    this.pausedAt = null;
    return replyMs;
  }

  /** @returns {"speaking" | "hearing" | "thinking" | "listening"} */
  state(nowMs) {
    if (nowMs - this.spokeAt < SPEAKING_HOLD_MS) return "speaking";
    if (this.hearing) return "hearing";
    if (this.pausedAt !== null && nowMs - this.pausedAt < LONGEST_THOUGHT_MS) return "thinking";
    return "listening";
  }
}
