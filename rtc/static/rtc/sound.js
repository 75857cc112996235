// The Web Audio side of a call: microphone in, speaker out, both in worklets at the context's own rate.

import { INSECURE_ORIGIN, MICROPHONE_GONE, UNPLAYABLE, UNSUPPORTED, microphoneText } from "./reasons.js";

export class SoundError extends Error {}

/**
 * Callbacks: `onframe(payload, levelDb)` for each 20 ms from the microphone; `onreport(report)` every
 * 50 ms of playback; `onmark(name)`; `onfailure(text)` when the microphone goes away.
 */
export class Sound {
  constructor({ sampleRate, constraints, onframe, onreport, onmark, onfailure }) {
    Object.assign(this, { sampleRate, constraints, onframe, onreport, onmark, onfailure });
    this.stream = null;
    this.capture = null;
    this.playback = null;
    if (!window.AudioContext || !window.AudioWorkletNode) {
      // Browsers hide the worklets, too, from an insecure page.
      throw new SoundError(window.isSecureContext ? UNSUPPORTED : INSECURE_ORIGIN);
    }
    // Made in the tap that connects: elsewhere iOS leaves it silent.
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.resume();
  }

  /** Asks for the microphone if `takesAudio`. Throws SoundError with words for the user. */
  async open({ takesAudio, sendsAudio }) {
    if (takesAudio) await this.openCapture();
    if (sendsAudio) await this.openPlayback();
    await this.context.resume();
  }

  async openCapture() {
    if (!navigator.mediaDevices) throw new SoundError(INSECURE_ORIGIN);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: this.constraints });
    } catch (error) {
      throw new SoundError(microphoneText(error), { cause: error });
    }
    for (const track of this.stream.getTracks()) track.onended = () => this.onfailure(MICROPHONE_GONE);
    this.capture = await this.node("capture");
    this.capture.port.onmessage = ({ data }) => this.onframe(data.payload, data.levelDb);
  }

  async openPlayback() {
    this.playback = await this.node("playback");
    this.playback.port.onmessage = ({ data }) => {
      if (data.type === "mark") this.onmark(data.name);
      else this.onreport(data);
    };
  }

  async node(name) {
    try {
      await this.context.audioWorklet.addModule(new URL(`./${name}-worklet.js`, import.meta.url));
    } catch (error) {
      throw new SoundError(UNPLAYABLE, { cause: error });
    }
    const node = new AudioWorkletNode(this.context, `rtc-${name}`, {
      outputChannelCount: [1],
      processorOptions: { wireRate: this.sampleRate },
    });
    // The capture node only puts out silence, but a node that leads nowhere may not be run at all.
    node.connect(this.context.destination);
    return node;
  }

  /** From here on `onframe` is called. */
  start() {
    if (this.stream) this.context.createMediaStreamSource(this.stream).connect(this.capture);
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

  /** A muted microphone goes on sending, but silence. */
  setMuted(muted) {
    for (const track of this.stream?.getTracks() ?? []) track.enabled = !muted;
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    for (const node of [this.capture, this.playback]) {
      node?.disconnect();
      node?.port.postMessage({ type: "close" });
    }
    if (this.context.state !== "closed") this.context.close();
  }
}
