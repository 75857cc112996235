// The line below a call's state: why it is so, and until when. A note stands there while there is nothing else to say.

const TICK_MS = 1000;

export class ReasonLine {
  /** @param {() => HTMLElement} place where it is written */
  constructor(place) {
    this.place = place;
    this.text = "";
    this.noted = "";
  }

  /**
   * @param {{ attempt: number, delayMs: number } | null} retry counted down to
   * @returns {string} what it says at first
   */
  show(text, retry) {
    clearInterval(this.countdown);
    if (!retry) return this.write(text);
    const { attempt, delayMs } = retry;
    const beganAt = performance.now();
    const wordsAt = (nowMs) => `${text} ${retryText(attempt, delayMs - (nowMs - beganAt))}`;
    this.countdown = setInterval(() => this.write(wordsAt(performance.now())), TICK_MS);
    return this.write(wordsAt(beganAt));
  }

  /** Keeps `text` until there is another note. */
  note(text) {
    this.noted = text;
    this.write(this.text);
  }

  write(text) {
    this.text = text;
    this.place().textContent = text || this.noted;
    return text;
  }
}

function retryText(attempt, delayMs) {
  if (delayMs <= 0) return `Trying again (attempt ${attempt})…`;
  const seconds = Math.ceil(delayMs / 1000);
  return `Trying again in ${seconds} s (attempt ${attempt}).`;
}
