// How loud one side is: drawn for who sees it, in figures for who does not.

import { Waveform, shareOf } from "./waveform.js";

const TELLING_MS = 250; // a screen reader that follows a meter could say no more

export class Meter {
  /**
   * @param {HTMLElement | null} element with `role="meter"`
   * @param {HTMLCanvasElement | null} canvas
   * @param {AbortSignal} signal until when it follows the page
   */
  constructor(element, canvas, signal) {
    this.element = element;
    this.wave = canvas && new Waveform(canvas, signal);
    this.toldAt = -Infinity;
  }

  show(levelDb, nowMs) {
    this.wave?.add(levelDb, nowMs);
    if (nowMs - this.toldAt < TELLING_MS) return;
    this.toldAt = nowMs;
    this.tell(shareOf(levelDb));
  }

  clear() {
    this.wave?.clear();
    this.tell(0);
  }

  tell(share) {
    this.element?.setAttribute("aria-valuenow", Math.round(share * 100));
  }
}
