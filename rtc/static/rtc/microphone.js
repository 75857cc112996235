// The microphone of a call: the one that was chosen, or another one when that is not there, or goes.

import { MICROPHONE_ENDS, MICROPHONE_GONE, MICROPHONE_REPLACED, microphoneText } from "./reasons.js";
import { SoundError } from "./sound-error.js";

const STABLE_MS = 5000; // one that lasts for so long has not ended at once
const REPLACEMENTS = 3; // in a row, of microphones that end at once
const FIRST_DELAY_MS = 500; // before the second of them; then twice as long
const STARTING_MS = 1000; // so long a browser may call one muted because nothing has come from it yet

function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}

/**
 * Callbacks: `onstream()` when `stream` is another one; `onnotice(text)` when another device than the chosen one is used;
 * `onfailure(text)` when there is none any more.
 */
export class Microphone {
  /** `id` of a device; empty: the default one */
  constructor({ id, constraints, ...callbacks }) {
    Object.assign(this, { id, constraints, ...callbacks });
    this.stream = null;
    this.requests = 0; // so many were asked for
    this.answered = 0; // the request that `stream` came for
    this.muted = false;
    this.closed = false;
    this.losses = 0;
  }

  /** Throws SoundError; once closed it leaves quietly, and lets go of what the browser still hands out. */
  async open() {
    await this.request(this.id);
  }

  /**
   * Throws SoundError, and keeps the one it had.
   *
   * @returns {Promise<boolean>} whether that one is used: of several that are chosen at once, the last one is
   */
  async choose(id) {
    if (this.requests > 0) return this.request(id);
    this.id = id;
    return true;
  }

  async request(id) {
    const request = ++this.requests;
    const isLate = () => this.closed || request < this.answered;
    let found;
    try {
      found = await this.ask(id);
    } catch (error) {
      if (isLate()) return false;
      throw error;
    }
    if (isLate()) {
      stopTracks(found.stream);
      return false;
    }
    this.answered = request;
    this.use(found);
    return this.id === id;
  }

  async ask(id) {
    const chosen = id && { deviceId: { exact: id } };
    try {
      return { id, stream: await navigator.mediaDevices.getUserMedia({ audio: { ...this.constraints, ...chosen } }) };
    } catch (error) {
      const absent = id && error.name === "OverconstrainedError";
      if (!absent || this.stream || this.closed) {
        throw new SoundError(absent ? MICROPHONE_REPLACED : microphoneText(error), { cause: error });
      }
      this.onnotice(MICROPHONE_REPLACED);
      return this.ask("");
    }
  }

  use({ stream, id }) {
    stopTracks(this.stream);
    Object.assign(this, { stream, id });
    this.usedSince = performance.now();
    for (const track of stream.getTracks()) track.onended = () => this.ended();
    this.setMuted(this.muted);
    this.onstream();
  }

  /** It was unplugged, or taken away: the default one may do. */
  async ended() {
    const { stream } = this;
    this.losses = performance.now() - this.usedSince < STABLE_MS ? this.losses + 1 : 1;
    if (this.losses > REPLACEMENTS) {
      this.onfailure(MICROPHONE_ENDS);
      return;
    }
    if (this.losses > 1) await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY_MS * 2 ** (this.losses - 2)));
    if (this.closed || this.stream !== stream) return; // or another one was chosen meanwhile
    try {
      if (await this.request("")) this.onnotice(MICROPHONE_REPLACED);
    } catch (error) {
      if (!(error instanceof SoundError)) throw error;
      this.onfailure(error.cause.name === "NotFoundError" ? MICROPHONE_GONE : error.message);
    }
  }

  /** A muted one goes on sending, but silence. */
  setMuted(muted) {
    this.muted = muted;
    for (const track of this.stream?.getTracks() ?? []) track.enabled = !muted;
  }

  /** Whether the device keeps it silent: by a switch of its own, or for a telephone call. */
  get silenced() {
    if (!this.stream || performance.now() - this.usedSince < STARTING_MS) return false;
    return this.stream.getTracks().some(({ muted }) => muted);
  }

  close() {
    this.closed = true;
    stopTracks(this.stream);
  }
}
