// What a server that does not pace itself has sent ahead of its time, undecoded. Pure.

/** How much it holds: ten minutes. What comes beyond is dropped. */
export const LONGEST_MS = 600_000;

export class Backlog {
  /** `rate` in Hz is that of the mu-law that it holds: a byte a sample. */
  constructor(rate) {
    this.bytesPerMs = rate / 1000;
    this.length = 0; // in bytes
    this.droppedMs = 0;
    this.pieces = [];
  }

  get depthMs() {
    return this.length / this.bytesPerMs;
  }

  /** @param {Uint8Array} bytes */
  push(bytes) {
    const kept = bytes.subarray(0, Math.max(0, LONGEST_MS * this.bytesPerMs - this.length));
    this.droppedMs += (bytes.length - kept.length) / this.bytesPerMs;
    if (kept.length === 0) return;
    this.pieces.push(kept);
    this.length += kept.length;
  }

  /** @returns {Uint8Array} the next bytes, for `milliseconds` at most; empty: there is nothing */
  take(milliseconds) {
    if (this.length === 0) return new Uint8Array(0);
    const [first] = this.pieces;
    const taken = first.subarray(0, milliseconds * this.bytesPerMs);
    if (taken.length === first.length) this.pieces.shift();
    else this.pieces[0] = first.subarray(taken.length);
    this.length -= taken.length;
    return taken;
  }

  clear() {
    this.droppedMs += this.depthMs;
    this.length = 0;
    this.pieces = [];
  }
}
