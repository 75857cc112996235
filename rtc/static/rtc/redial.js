// Calls again after a loss, a little later each time.

import { ATTEMPTS, delayBefore, worthAnother } from "./backoff.js";

const STABLE_MS = 10_000; // a call that stood for so long was no failed attempt

export class Redial {
  /** @param {() => void} dial */
  constructor(dial) {
    this.dial = dial;
    this.attempt = 0;
    this.stood = false; // whether a session of this call has begun
    this.begunAt = null;
    this.timer = null;
  }

  /** Whether a call is still to come: offline it takes no attempt, and waits for longer than it said. */
  get waiting() {
    return this.timer !== null;
  }

  /** A session has begun. */
  begun() {
    this.stood = true;
    this.begunAt = performance.now();
  }

  /**
   * The session is lost: see `worthAnother`.
   *
   * @returns {{ attempt: number, delayMs: number } | null} when it is tried again; null: it is not
   */
  lost({ code, told }) {
    if (this.begunAt !== null && performance.now() - this.begunAt > STABLE_MS) this.attempt = 0;
    this.begunAt = null;
    if (this.attempt >= ATTEMPTS || !worthAnother(code, told, this.stood)) return null;
    this.attempt += 1;
    const delayMs = delayBefore(this.attempt, Math.random());
    this.timer = setTimeout(() => {
      if (navigator.onLine) this.now(); // else it waits until it is told that the device is online
    }, delayMs);
    return { attempt: this.attempt, delayMs };
  }

  /** No need to wait any longer. */
  now() {
    this.cancel();
    this.dial();
  }

  cancel() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
