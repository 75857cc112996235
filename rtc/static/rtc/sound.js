// The Web Audio side of a call: microphone in, speaker out, both in worklets at the context's own rate.

import { canChooseSpeaker, listDevices } from "./devices.js";
import { onGesture } from "./gestures.js";
import { Microphone } from "./microphone.js";
import { INSECURE_ORIGIN, SPEAKER_REPLACED, UNPLAYABLE, UNSUPPORTED } from "./reasons.js";
import { SoundError } from "./sound-error.js";

const FRAME_MS = 20;

/** The modules of each worklet. All are asked for at once: a browser learns of an import only from the file that has it. */
export const WORKLETS = {
  capture: ["capture-worklet", "level", "mulaw", "resampler"],
  playback: ["playback-worklet", "backlog", "jitter-buffer", "concealment", "level", "mulaw", "resampler"],
};

/**
 * Callbacks: `onframe(payload, levelDb)` for each frame from the microphone; `onreport(report)` every 50 ms of
 * playback; `onmark(name)`; `onnotice(text)` when another device than the chosen one is used; `onpause()` when `paused`
 * may have changed; `onfailure(text)` when there is no microphone any more.
 */
export class Sound {
  constructor({ sampleRate, constraints, microphone, speaker, ...callbacks }) {
    Object.assign(this, { sampleRate, speaker, ...callbacks });
    this.microphone = new Microphone({
      id: microphone,
      constraints,
      onstream: () => this.capturing && this.connectSource(),
      onnotice: this.onnotice,
      onfailure: this.onfailure,
    });
    this.source = null;
    this.capture = null;
    this.playback = null;
    this.capturing = false;
    this.format = 0; // how often it has changed
    this.whenClosed = new Promise((resolve) => (this.tellClosed = resolve));
    this.closed = false; // Firefox closes the context a little later, and complains of a second time
    if (!window.AudioContext || !window.AudioWorkletNode) {
      // Browsers hide the worklets, too, from an insecure page.
      throw new SoundError(window.isSecureContext ? UNSUPPORTED : INSECURE_ORIGIN);
    }
    // Made in the tap that connects: elsewhere iOS leaves it silent.
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.onstatechange = () => this.stateChanged();
    this.gestures = onGesture(() => this.resume());
    this.resume();
  }

  /**
   * Asks for the microphone if `takesAudio`. Throws SoundError with words for the user; once closed it leaves quietly,
   * with every microphone off that the browser still hands out.
   */
  async open({ takesAudio, sendsAudio }) {
    const asked = [];
    if (takesAudio) asked.push(this.openMicrophone(), this.load("capture"));
    if (sendsAudio) asked.push(this.load("playback"));
    await Promise.race([Promise.all(asked), this.whenClosed]); // which a browser may leave unanswered then
    if (this.closed) return; // a closed context takes no nodes
    if (takesAudio) this.openCapture();
    if (sendsAudio) await this.openPlayback();
    if (!this.closed) await this.resume();
  }

  /** Goes on after the device has paused the sound: a telephone call, say, or a page in the background. */
  async resume() {
    if (this.context.state === "running" || this.context.state === "closed") return;
    // Without a tap a browser may refuse, or leave it pending: the next tap asks again.
    await Promise.race([this.context.resume().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 500))]);
  }

  // ---- microphone

  async openMicrophone() {
    if (!navigator.mediaDevices) throw new SoundError(INSECURE_ORIGIN);
    await this.microphone.open();
  }

  openCapture() {
    this.capture = this.node("capture");
    this.capture.port.onmessage = ({ data }) => {
      // Frames of the format before may still be under way.
      if (data.format === this.format) this.onframe(data.payload, data.levelDb);
    };
  }

  get stream() {
    return this.microphone.stream;
  }

  /** @param {string} id of a microphone; empty: the default one. See `Microphone.choose`. */
  chooseMicrophone(id) {
    return this.microphone.choose(id);
  }

  connectSource() {
    this.source?.disconnect();
    this.source = this.context.createMediaStreamSource(this.stream);
    this.source.connect(this.capture);
  }

  // ---- speaker

  /** A speaker can be chosen once the microphone was allowed. */
  async openPlayback() {
    this.playback = this.node("playback");
    this.playback.port.onmessage = ({ data }) => {
      if (data.type === "mark") this.onmark(data.name);
      else this.onreport(data);
    };
    if (this.speaker) await this.chooseSpeaker(this.speaker);
  }

  /** @param {string} id of a speaker; empty: the default one, also when headphones are plugged in later */
  async chooseSpeaker(id) {
    this.speaker = id;
    if (!canChooseSpeaker()) return;
    try {
      await this.context.setSinkId(id);
    } catch {
      if (this.closed) return;
      this.speaker = "";
      this.onnotice(SPEAKER_REPLACED);
    }
  }

  /** The devices are others now: a speaker that is gone plays nothing. A microphone tells by itself. */
  async devicesChanged() {
    const { speaker } = this;
    if (!speaker) return;
    const { speakers } = await listDevices();
    if (this.closed || this.speaker !== speaker || speakers.some(({ id }) => id === speaker)) return;
    this.onnotice(SPEAKER_REPLACED);
    await this.chooseSpeaker("");
  }

  // ---- worklets

  async load(name) {
    const urls = WORKLETS[name].map((module) => new URL(`./${module}.js`, import.meta.url));
    try {
      await Promise.all(urls.map((url) => this.context.audioWorklet.addModule(url)));
    } catch (error) {
      if (!this.closed) throw new SoundError(UNPLAYABLE, { cause: error });
    }
  }

  /** @returns {AudioWorkletNode} */
  node(name) {
    const node = new AudioWorkletNode(this.context, `rtc-${name}`, {
      outputChannelCount: [1],
      processorOptions: { wireRate: this.sampleRate, frameMs: FRAME_MS, format: this.format },
    });
    // The capture node only puts out silence, but a node that leads nowhere may not be run at all.
    node.connect(this.context.destination);
    return node;
  }

  // ---- the call

  /** The rates on the wire in Hz, how much audio a frame of the microphone holds, and whether the server paces itself. */
  setFormat({ captureRate, playbackRate, frameMs = FRAME_MS, paced = true }) {
    this.format += 1;
    this.capture?.port.postMessage({ type: "format", wireRate: captureRate, frameMs, format: this.format });
    this.playback?.port.postMessage({ type: "format", wireRate: playbackRate, paced });
  }

  stateChanged() {
    if (this.closed) return;
    this.gestures.abort();
    if (this.context.state === "running") this.playback?.port.postMessage({ type: "resumed" });
    else this.gestures = onGesture(() => this.resume()); // may be what the device waits for
    this.onpause();
  }

  /** Whether the device keeps the page silent. */
  get paused() {
    return !["running", "closed"].includes(this.context.state);
  }

  /** From here on `onframe` is called. */
  start() {
    if (this.capturing) return;
    this.capturing = true;
    if (this.stream) this.connectSource();
  }

  play(payload) {
    this.playback?.port.postMessage({ type: "audio", payload }, [payload]);
  }

  mark(name) {
    if (this.playback) this.playback.port.postMessage({ type: "mark", name });
    else this.onmark(name);
  }

  clear() {
    this.playback?.port.postMessage({ type: "clear" });
  }

  /** Whether the device keeps the microphone silent. */
  get silenced() {
    return this.microphone.silenced;
  }

  setMuted(muted) {
    this.microphone.setMuted(muted);
  }

  close() {
    this.capturing = false;
    this.source?.disconnect();
    this.microphone.close();
    for (const node of [this.capture, this.playback]) {
      node?.disconnect();
      node?.port.postMessage({ type: "close" });
    }
    this.gestures.abort();
    if (!this.closed) this.context.close();
    this.closed = true;
    this.tellClosed();
  }
}
