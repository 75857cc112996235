// What state the call is in and why, in words, for who sees it and who does not. A note stands below the state while there
// is nothing else to say.

const TICK_MS = 1000;

export class Status {
  /**
   * @param {object} options
   * @param {HTMLElement} options.state
   * @param {HTMLElement} options.reason
   * @param {HTMLElement} options.announcement that screen readers read out
   * @param {(english: string, values?: object) => string} options.say
   */
  constructor({ state, reason, announcement, say }) {
    Object.assign(this, { state, reason, announcement, say });
    this.announced = "";
    this.why = "";
    this.noted = "";
  }

  /** @param {{ attempt: number, delayMs: number } | null} retry counted down to, for who sees it */
  show(words, reason, retry) {
    clearInterval(this.countdown);
    this.state.textContent = words;
    this.give(reason);
    if (!retry) return;
    const { attempt, delayMs } = retry;
    const beganAt = performance.now();
    const reasonAt = (nowMs) => `${reason} ${this.retryText(attempt, delayMs - (nowMs - beganAt))}`;
    this.countdown = setInterval(() => this.give(reasonAt(performance.now())), TICK_MS);
    this.give(reasonAt(beganAt));
  }

  give(reason) {
    this.why = reason;
    this.reason.textContent = reason || this.noted;
  }

  /** Keeps `text` until there is another note. */
  note(text) {
    this.noted = text;
    this.give(this.why);
  }

  retryText(attempt, delayMs) {
    if (delayMs <= 0) return this.say("Trying again (attempt {attempt})…", { attempt });
    return this.say("Trying again in {seconds} s (attempt {attempt}).", { attempt, seconds: Math.ceil(delayMs / 1000) });
  }

  /** Not twice, whatever else was announced meanwhile. */
  announceState(words) {
    if (words !== this.announced) this.announce(words);
    this.announced = words;
  }

  announce(words) {
    this.announcement.textContent = words;
  }
}
