/**
 * A voice call to a stream from a web page. One module, no dependency, no bundler:
 *
 *     import { RTCClient } from "https://voice.example/static/rtc/client.js";
 *
 *     const client = new RTCClient({ url: "wss://voice.example/websocket/offer" });
 *     client.addEventListener("state", ({ detail }) => show(detail.state, detail.text));
 *     button.addEventListener("click", () => (client.active ? client.stop() : client.connect()));
 *
 * A call that loses its connection, or is told to come again, is begun anew by itself: with a new session, since no
 * server can know what was said to the old one.
 *
 * @module
 */

import { Connection } from "./connection.js";
import { chosenDevices, listDevices, rememberDevices } from "./devices.js";
import { postInputs } from "./inputs.js";
import { completed } from "./options.js";
import { OutputReader } from "./outputs.js";
import { listenToPage } from "./page-events.js";
import { BAD_ADDRESS, NO_TICKET, OFFLINE, PAUSED, SILENCED, UNPLAYABLE, endText, withoutAdvice } from "./reasons.js";
import { Redial } from "./redial.js";
import { SoundError } from "./sound-error.js";
import { Sound } from "./sound.js";
import { isActive } from "./states.js";
import { askForTicket, withTicket } from "./ticket.js";
import { Turns } from "./turns.js";
import { keepAwake } from "./wake-lock.js";

// Old servers resample each frame by itself, so fewer and longer ones; and they send an answer as fast as they have it.
const PUBLISHED_AUDIO = { frameMs: 40, paced: false };

/** @returns {string} of 32 characters */
function newSessionId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One call at a time to one stream. Events, each with a `detail`:
 *
 * - `state` {state, text}: a State; `text` says why, for people, when it is reconnecting, paused, lost or ended, or muted
 *   by the device; the first comes with `attempt` and `delayMs`, those of an end with `reason` and `code`
 * - `level` {direction: "in" | "out", levelDb}: 0 is full scale; some 50 and 20 a second
 * - `buffer` {depthMs, targetMs, underruns, dropped}: what waits to be played
 * - `latency` {roundTripMs} of a ping, or {replyMs}: from the end of the user's words to the first sound of the answer
 * - `session` {sessionId}: a session has begun, the first one or, after a loss, another one
 * - `output` the JSON of an additional output: each comes once and in order, the last ones perhaps after `end`
 * - `message` the JSON of every other message with a `type`: log, warning, error, send_input, stopword
 * - `end` {reason, code, text}: the call is over; once for each `connect()`
 */
export class RTCClient extends EventTarget {
  /** @param {import("./options.js").Options} options which may be changed between calls */
  constructor(options) {
    super();
    Object.assign(this, completed(options));
    /** @type {import("./states.js").State} */
    this.state = "idle";
    this.text = ""; // why, for people
    this.muted = false;
    this.sessionId = "";
    this.sound = null;
    this.connection = null;
    this.outputs = null; // of this session
    this.readers = new Set(); // of this call's sessions
    this.turns = new Turns();
    this.listeners = null;
    this.connected = false;
    this.wanted = false; // whether it was `connect` or `stop` that was called last
    this.connecting = null; // what the last `connect` has promised
    this.stopping = null; // the promise of an end, while the server is told of it
  }

  /** Whether there is a call, or one is being made. */
  get active() {
    return isActive(this.state);
  }

  /**
   * Calls; after hanging up, once that is done. Do it in a tap or click: elsewhere phones stay silent.
   *
   * @returns {Promise<void>} settled once the call stands or has failed; `state` tells which. While there is a call, it
   *   is that call's
   */
  connect() {
    this.wanted = true;
    if (this.stopping) return this.stopping.then(() => (this.wanted ? this.connect() : undefined));
    if (!this.active) this.connecting = this.call();
    return this.connecting;
  }

  async call() {
    this.redial = new Redial(() => this.openSession());
    this.closeOutputs();
    this.setState("connecting");
    this.listen();
    const begun = new Promise((resolve) => (this.resolveConnect = resolve));
    if (await this.openSound()) await this.openSession();
    return begun;
  }

  /** Hangs up. */
  stop() {
    this.wanted = false;
    if (!this.active || this.stopping) return;
    if (!this.connection) {
      this.finish("ended", "client_stop", 1000, endText({ reason: "client_stop" }));
      return;
    }
    this.stopping = new Promise((resolve) => (this.resolveStop = resolve));
    this.connection.stop();
  }

  /** Hangs up without waiting for the server's last word: the page, or what stood for the call in it, is gone. */
  leave() {
    this.wanted = false;
    this.connection?.stop();
    this.finish("ended", "client_stop", 1000, endText({ reason: "client_stop" }));
    this.closeOutputs();
  }

  mute() {
    this.setMuted(true);
  }

  unmute() {
    this.setMuted(false);
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.muted = muted;
    this.sound?.setMuted(muted);
    this.refresh();
  }

  /** Silences what the stream is saying, here at once and at its source. */
  interrupt() {
    this.sound?.clear();
    this.connection?.interrupt();
  }

  /**
   * Hands input to the handler, asked for or not.
   *
   * @param {any} inputs a list: each value is one argument; an object: values by the names of the stream's form; anything
   *   else: one argument
   * @returns {Promise<void>} settled once the handler has it
   * @throws {import("./inputs.js").InputError} with words for the user
   */
  async setInput(inputs) {
    if (this.inputURL === null) throw new Error("setInput() needs the option inputURL.");
    return postInputs(withTicket(this.inputURL, this.usedTicket), this.sessionId, inputs);
  }

  /** @returns {ReturnType<typeof listDevices>} their names are known once a microphone was allowed */
  devices() {
    return listDevices();
  }

  /**
   * Changes it in the middle of a call, too. It is remembered, unless the browser refuses it.
   *
   * @param {string} id of a device; empty: the default one
   */
  async setMicrophone(id) {
    try {
      const used = (await this.sound?.chooseMicrophone(id)) ?? true;
      if (used) rememberDevices({ microphone: id });
    } catch (error) {
      if (!(error instanceof SoundError)) throw error;
      this.warn(error.message);
    }
  }

  /** @param {string} id as for `setMicrophone` */
  async setSpeaker(id) {
    rememberDevices({ speaker: id });
    await this.sound?.chooseSpeaker(id);
  }

  // ---- sound

  async openSound() {
    let sound = null;
    let wanted = false;
    try {
      sound = this.newSound();
      this.sound = sound;
      await sound.open(this);
      wanted = this.sound === sound; // not if stopped while the browser was asking for the microphone
      if (wanted) sound.setMuted(this.muted);
    } catch (error) {
      const known = error instanceof SoundError;
      if (this.sound === sound) this.finish("ended", "sound", null, known ? error.message : UNPLAYABLE);
      if (!known) throw error;
    } finally {
      if (!wanted) sound?.close();
    }
    return wanted;
  }

  newSound() {
    return new Sound({
      sampleRate: this.sampleRate,
      constraints: this.constraints,
      ...chosenDevices(),
      onframe: (payload, levelDb) => {
        if (!this.connected) return;
        this.emit("level", { direction: "in", levelDb });
        this.connection?.sendAudio(payload);
      },
      onreport: (report) => this.playbackReport(report),
      onmark: (name) => this.connection?.sendMark(name),
      onnotice: (text) => this.warn(text),
      onpause: () => this.refresh(),
      onfailure: (text) => this.finish("ended", "sound", null, text),
    });
  }

  playbackReport({ levelDb, playing, depthMs, targetMs, underruns, dropped }) {
    if (!this.connected) return;
    const replyMs = this.turns.playback(playing ? levelDb : -Infinity, performance.now());
    if (replyMs !== null) this.emit("latency", { replyMs });
    this.emit("level", { direction: "out", levelDb });
    this.emit("buffer", { depthMs, targetMs, underruns, dropped });
    this.refresh();
  }

  // ---- sessions

  async openSession() {
    this.sessionId = newSessionId();
    const sound = this.sound;
    let failure = { reason: "no_ticket", text: NO_TICKET };
    try {
      const ticket = await askForTicket(this.ticket);
      if (this.sound !== sound || sound === null) return; // stopped meanwhile
      this.usedTicket = ticket;
      failure = { reason: "bad_address", text: BAD_ADDRESS };
      this.connection = this.newConnection(sound);
    } catch (error) {
      console.warn(error);
      if (this.sound === sound) this.lost({ code: null, told: false, ...failure });
    }
  }

  newConnection(sound) {
    return new Connection({
      url: this.url,
      sessionId: this.sessionId,
      sampleRate: this.sampleRate,
      params: this.params,
      ticket: this.usedTicket,
      onstarted: (how) => this.begin(how),
      onaudio: (payload) => sound.play(payload),
      onclear: () => sound.clear(),
      onmark: (name) => sound.mark(name),
      onoutput: () => this.outputs?.wake(),
      onmessage: (message) => this.receive(message),
      onlatency: (roundTripMs) => this.emit("latency", { roundTripMs }),
      onclose: (how) => this.lost(how),
    });
  }

  begin({ published }) {
    const rates = { captureRate: this.sampleRate, playbackRate: this.sampleRate };
    this.sound.setFormat(published ? { ...this.publishedRates, ...PUBLISHED_AUDIO } : rates);
    this.sound.start();
    if (this.connected) return; // a slow server that was taken for an old one
    this.connected = true;
    this.redial.begun();
    this.turns = new Turns({ answered: this.sendsAudio });
    this.emit("session", { sessionId: this.sessionId });
    this.openOutputs();
    this.refresh();
    this.resolveConnect();
  }

  openOutputs() {
    if (this.outputsURL === null) return;
    this.outputs = new OutputReader({
      url: withTicket(this.outputsURL, this.usedTicket),
      sessionId: this.sessionId,
      onoutput: (output) => this.emit("output", output),
      onfailure: (text) => this.warn(text),
    });
    this.readers.add(this.outputs);
    this.outputs.setHidden(document.hidden);
  }

  /** Those of the sessions that were lost, too: they may still wait for last outputs. */
  closeOutputs() {
    for (const reader of this.readers) reader.close();
    this.readers.clear();
    this.outputs = null;
  }

  receive(message) {
    if (message.type === "log") this.turns.log(message.data, performance.now());
    this.emit("message", message);
    this.refresh();
  }

  warn(text) {
    this.emit("message", { type: "warning", data: text, message: text });
  }

  /** A session's connection is gone. */
  lost({ code, told, reason, text }) {
    this.connection = null;
    this.connected = false;
    this.outputs?.finish();
    this.sound?.clear();
    const again = this.reconnect && !this.stopping ? this.redial.lost({ code, told }) : null;
    if (again) this.setState("reconnecting", navigator.onLine ? withoutAdvice(text) : OFFLINE, again);
    else this.finish(told || code >= 3000 || code === 1000 ? "ended" : "lost", reason, code, text);
  }

  // ---- the page and its devices

  listen() {
    this.listeners = listenToPage({
      onvisible: (visible) => {
        this.outputs?.setHidden(!visible);
        if (visible) this.sound?.resume();
      },
      ononline: () => this.redial.waiting && this.redial.now(),
      ondevices: () => this.sound?.devicesChanged(),
    });
    if (this.keepAwake) keepAwake(this.listeners.signal);
  }

  // ---- state

  refresh() {
    if (!this.connected) return;
    if (this.sound.paused) this.setState("paused", PAUSED);
    else if (this.sound.silenced && !this.muted) this.setState("muted", SILENCED);
    else this.setState(this.muted ? "muted" : this.turns.state(performance.now()));
  }

  setState(state, text = "", more = {}) {
    if (state === this.state && text === this.text && state !== "reconnecting") return;
    this.state = state;
    this.text = text;
    this.emit("state", { state, text, ...more });
  }

  finish(state, reason, code, text) {
    if (!this.active) return;
    const { resolveConnect, resolveStop } = this; // at the events, another call may begin
    this.stopping = null;
    this.redial.cancel();
    this.listeners.abort();
    this.sound?.close();
    this.sound = null;
    this.outputs?.finish();
    this.connection?.abandon();
    this.connection = null;
    this.connected = this.muted = false;
    this.setState(state, text, { reason, code });
    this.emit("end", { reason, code, text });
    resolveConnect?.();
    resolveStop?.();
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
