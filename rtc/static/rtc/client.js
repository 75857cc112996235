// A call to a stream: the state of the session, the messages on its socket, and what goes beside it.

import { postInputs } from "./inputs.js";
import { OutputReader } from "./outputs.js";
import { LOST, NO_ANSWER, UNREACHABLE, endText } from "./reasons.js";
import { Sound, SoundError } from "./sound.js";

const START_TIMEOUT_MS = 10_000;
const PING_INTERVAL_MS = 2000;
const SILENCE_TIMEOUT_MS = 15_000; // nothing at all from the server, not even a pong
const STOP_TIMEOUT_MS = 1000;
const MAXIMUM_BACKLOG_MS = 1000; // on a link that is too slow, what is beyond this is dropped
const SPEAKING_DB = -50;
const SPEAKING_HOLD_MS = 400;

function newSessionId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One call at a time to one stream.
 *
 * Options: `url` (ws: or wss:), `outputsURL` and `inputURL` (of `/outputs` and `/input_hook`; null when they are not
 * used; a page of another origin puts its `?ticket=` there), `takesAudio` and `sendsAudio` (of the stream, from its own side),
 * `sampleRate` on the wire in Hz, `params` for the handler, `constraints` for the microphone.
 *
 * Events, each with a `detail`:
 * - `state` {state, text}: idle, connecting, listening, speaking, muted, lost or ended; `text` says why it is lost or ended
 * - `level` {direction: "in" | "out", levelDb}
 * - `buffer` {depthMs, targetMs, underruns, dropped}: what waits to be played
 * - `latency` {roundTripMs}
 * - `output` the JSON of an additional output: each comes once and in order, the last ones perhaps after `end`
 * - `message` the JSON of every other message with a `type`: log, warning, error, send_input, stopword
 * - `end` {reason, code, text}
 */
export class RTCClient extends EventTarget {
  constructor({
    url,
    outputsURL = null,
    inputURL = null,
    takesAudio = true,
    sendsAudio = true,
    sampleRate = 24000,
    params = null,
    constraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  }) {
    super();
    Object.assign(this, { url, outputsURL, inputURL, takesAudio, sendsAudio, sampleRate, params, constraints });
    this.state = "idle";
    this.muted = false;
    this.sound = null;
    this.socket = null;
    this.outputs = null;
    this.timers = new Set();
  }

  get active() {
    return ["connecting", "listening", "speaking", "muted"].includes(this.state);
  }

  /** Call it from a tap or click. Returns once the call stands or has failed; `state` tells which. */
  async connect() {
    if (this.active) return;
    this.outputs?.close();
    this.outputs = null;
    this.sessionId = newSessionId();
    this.endData = null;
    this.spokeAt = -Infinity;
    this.started = false;
    this.setState("connecting");
    if (await this.openSound()) await this.openSocket();
  }

  stop() {
    if (!this.active) return;
    if (this.socket?.readyState !== WebSocket.OPEN) {
      this.finish("ended", "client_stop", 1000, endText({ reason: "client_stop" }));
      return;
    }
    this.send({ event: "stop" });
    this.after(STOP_TIMEOUT_MS, () => this.finish("ended", "client_stop", 1000, endText({ reason: "client_stop" })));
  }

  /** Answers `send_input`: each value is one argument of the handler. Throws InputError with words for the user. */
  sendInput(...values) {
    return postInputs(this.inputURL, this.sessionId, values);
  }

  mute() {
    this.setMuted(true);
  }

  unmute() {
    this.setMuted(false);
  }

  setMuted(muted) {
    this.muted = muted;
    this.sound?.setMuted(muted);
    if (this.started) this.refresh();
  }

  // ---- sound

  async openSound() {
    let sound = null;
    try {
      sound = this.newSound();
      this.sound = sound;
      await sound.open(this);
    } catch (error) {
      if (!(error instanceof SoundError)) throw error;
      if (this.sound === sound) this.finish("ended", "sound", null, error.message);
    }
    if (this.sound !== sound || sound === null) {
      sound?.close(); // stopped while the browser was asking for the microphone
      return false;
    }
    sound.setMuted(this.muted);
    return true;
  }

  newSound() {
    return new Sound({
      sampleRate: this.sampleRate,
      constraints: this.constraints,
      onframe: (payload, levelDb) => this.sendFrame(payload, levelDb),
      onreport: (report) => this.playbackReport(report),
      onmark: (name) => this.send({ event: "mark", mark: { name } }),
      onfailure: (text) => this.finish("ended", "sound", null, text),
    });
  }

  sendFrame(payload, levelDb) {
    if (!this.started) return;
    this.emit("level", { direction: "in", levelDb });
    const backlogMs = (this.socket.bufferedAmount / this.sampleRate) * 1000;
    if (this.socket.readyState === WebSocket.OPEN && backlogMs < MAXIMUM_BACKLOG_MS) this.socket.send(payload);
  }

  playbackReport({ levelDb, playing, depthMs, targetMs, underruns, dropped }) {
    const now = performance.now();
    if (playing && levelDb > SPEAKING_DB) this.spokeAt = now;
    this.speaking = now - this.spokeAt < SPEAKING_HOLD_MS;
    this.emit("level", { direction: "out", levelDb });
    this.emit("buffer", { depthMs, targetMs, underruns, dropped });
    if (this.started) this.refresh();
  }

  // ---- socket

  openSocket() {
    return new Promise((resolve) => {
      this.resolveConnect = resolve;
      this.heardAt = performance.now();
      const socket = new WebSocket(this.url);
      this.socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.sendStart();
      socket.onmessage = ({ data }) => this.receive(data);
      socket.onclose = ({ code }) => this.closed(code);
      this.after(START_TIMEOUT_MS, () => {
        if (!this.started) this.finish("lost", "no_answer", null, NO_ANSWER);
      });
    });
  }

  sendStart() {
    const { sampleRate, params } = this;
    this.send({
      event: "start",
      websocket_id: this.sessionId,
      media_format: { encoding: "mulaw", sample_rate: sampleRate, framing: "binary" },
      ...(params && { params }),
    });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  receive(data) {
    this.heardAt = performance.now();
    if (typeof data !== "string") {
      this.sound?.play(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.event) this.receiveEvent(message);
    else if (message.status === "failed") this.endData = { reason: message.meta?.error };
    else if (message.type === "end") this.endData = message.data;
    else if (message.type !== "fetch_output") this.emit("message", message); // outputs come by themselves
  }

  receiveEvent(message) {
    if (message.event === "started") this.begin();
    else if (message.event === "clear") this.sound?.clear();
    else if (message.event === "mark") this.sound?.mark(message.mark.name);
    else if (message.event === "pong") this.emit("latency", { roundTripMs: performance.now() - this.pingedAt });
  }

  begin() {
    this.started = true;
    this.sound.start();
    this.refresh();
    this.openOutputs();
    this.ping();
    this.every(PING_INTERVAL_MS, () => this.ping());
    this.resolveConnect();
  }

  openOutputs() {
    if (this.outputsURL === null) return;
    this.outputs = new OutputReader({
      url: this.outputsURL,
      sessionId: this.sessionId,
      onoutput: (output) => this.emit("output", output),
      onfailure: (text) => this.emit("message", { type: "warning", data: text, message: text }),
    });
  }

  ping() {
    if (performance.now() - this.heardAt > SILENCE_TIMEOUT_MS) {
      this.finish("lost", "silent", null, LOST);
      return;
    }
    this.pingedAt = performance.now();
    this.send({ event: "ping" });
  }

  closed(code) {
    if (this.endData || code >= 3000 || code === 1000) {
      this.finish("ended", this.endData?.reason ?? "closed", code, endText(this.endData, code));
    } else {
      this.finish("lost", "lost", code, this.started ? LOST : UNREACHABLE);
    }
  }

  // ---- state

  refresh() {
    this.setState(this.muted ? "muted" : this.speaking ? "speaking" : "listening");
  }

  setState(state, text = "") {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", { state, text });
  }

  finish(state, reason, code, text) {
    if (!this.active) return;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.sound?.close();
    this.sound = null;
    this.outputs?.finish();
    if (this.socket) {
      this.socket.onclose = this.socket.onmessage = this.socket.onopen = null;
      this.socket.close();
      this.socket = null;
    }
    this.started = this.speaking = this.muted = false;
    this.setState(state, text);
    this.emit("end", { reason, code, text });
    this.resolveConnect?.();
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  after(milliseconds, action) {
    this.timers.add(setTimeout(action, milliseconds));
  }

  every(milliseconds, action) {
    this.timers.add(setInterval(action, milliseconds));
  }
}
