// The loudness of the last seconds as bars on a canvas, the newest at its right end; where motion is unwanted, that of now.

const QUIET_DB = -60; // what has no height
const BAR_WIDTH = 3; // CSS pixels, as the next two
const BAR_GAP = 2;
const LEAST_HEIGHT = 2;
const CONTRAST = 1.8; // speech keeps to the upper half of the scale: this spreads it
const BAR_MS = 60;
const MOST_BARS = 1000; // more than a screen is wide for
const STILL_MS = 500; // between two drawings where motion is unwanted
const STILL_HEIGHT = 8; // CSS pixels

/** Where a level stands between silence and full scale, 0 to 1. */
export function shareOf(levelDb) {
  return Math.max(0, Math.min(1, 1 - levelDb / QUIET_DB));
}

// All waveforms of a page share their frames, since each costs the browser a good deal. A hidden page has none.
const waiting = new Set();
let asked = false;
let drawnAt = -Infinity;

function drawSoon(waveform, nowMs) {
  waiting.add(waveform);
  if (asked) return;
  asked = true;
  setTimeout(() => requestAnimationFrame(drawWaiting), drawnAt + BAR_MS - nowMs);
}

function drawWaiting() {
  asked = false;
  drawnAt = performance.now();
  const waveforms = [...waiting];
  waiting.clear();
  for (const waveform of waveforms) waveform.draw();
}

export class Waveform {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {AbortSignal} signal until when it follows the page
   */
  constructor(canvas, signal) {
    this.canvas = canvas;
    this.bars = [];
    this.loudest = 0; // since the last bar
    this.barAt = 0;
    const sizes = new ResizeObserver(() => this.draw());
    sizes.observe(canvas);
    signal.addEventListener("abort", () => sizes.disconnect());
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.addEventListener("change", () => this.draw(), { signal });
    canvas.addEventListener("transitionend", () => this.draw(), { signal }); // widget.css: its colours are others
  }

  /** Takes a level; draws what was loudest since it last drew. */
  add(levelDb, nowMs) {
    this.loudest = Math.max(this.loudest, shareOf(levelDb));
    const barMs = this.still.matches ? STILL_MS : BAR_MS;
    if (nowMs - this.barAt < barMs) return;
    this.barAt = Math.max(this.barAt + barMs, nowMs - barMs); // however often levels come, bars pass at one pace
    this.bars.push(this.loudest);
    this.bars.splice(0, this.bars.length - MOST_BARS);
    this.loudest = 0;
    drawSoon(this, nowMs);
  }

  clear() {
    this.bars.length = 0;
    this.loudest = 0;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const [silent, loud] = this.still.matches ? this.level(width, height) : this.history(width, height);
    context.fillStyle = style.borderTopColor;
    context.fill(silent);
    context.fillStyle = style.color;
    context.fill(loud);
  }

  /** @returns {[Path2D, Path2D]} one bar from left to right, and how much of it is loud */
  level(width, height) {
    const [silent, loud] = [new Path2D(), new Path2D()];
    const top = (height - STILL_HEIGHT) / 2;
    silent.roundRect(0, top, width, STILL_HEIGHT, STILL_HEIGHT / 2);
    const share = this.bars.at(-1) ?? 0;
    if (share > 0) loud.roundRect(0, top, Math.max(STILL_HEIGHT, share * width), STILL_HEIGHT, STILL_HEIGHT / 2);
    return [silent, loud];
  }

  /** @returns {[Path2D, Path2D]} the bars of silence, and the others */
  history(width, height) {
    const [silent, loud] = [new Path2D(), new Path2D()];
    const count = Math.floor((width + BAR_GAP) / (BAR_WIDTH + BAR_GAP));
    for (let i = 0; i < count; i++) {
      const share = this.bars[this.bars.length - count + i] ?? 0;
      const bar = Math.max(LEAST_HEIGHT, share ** CONTRAST * height);
      const path = share > 0 ? loud : silent;
      path.roundRect(i * (BAR_WIDTH + BAR_GAP), (height - bar) / 2, BAR_WIDTH, bar, BAR_WIDTH / 2);
    }
    return [silent, loud];
  }
}
