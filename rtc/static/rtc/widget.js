// Wires each widget of a page: its buttons to a client, the client's events to words and waves.

import { Activity } from "./activity.js";
import { RTCClient } from "./client.js";
import { Conversation } from "./conversation.js";
import { DeviceMenu } from "./device-menu.js";
import { InputForm } from "./input-form.js";
import { keepWidgets } from "./mounting.js";
import { Quality } from "./quality.js";
import { readable } from "./readable.js";
import { Waveform, shareOf } from "./waveform.js";

const QUIET_DB = -100;
const TICK_MS = 1000;

const STATE_WORDS = {
  idle: "Ready to connect",
  connecting: "Connecting…",
  reconnecting: "Connecting again…",
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking…",
  speaking: "The stream is speaking",
  muted: "Your microphone is muted",
  lost: "Connection lost",
  ended: "Call ended",
};
const NEVER_CONNECTED = "Not connected";
const HANDLER_FAILED = 4500; // a close code
const PLAYING_WORDS = { listening: "Connected", speaking: "Playing" }; // of a stream that takes no audio
// Turns go to and fro too often to be read out; these are not.
const ANNOUNCED = ["connecting", "reconnecting", "muted", "lost", "ended"];
const LOG_WORDS = {
  started_talking: "You started to talk",
  pause_detected: "You paused",
  response_starting: "The answer begins",
};
const QUALITY_WORDS = { good: "Good", fair: "Fair", poor: "Poor" };

export class VoiceWidget {
  /** @param {HTMLElement} root the element that `{% voice_client %}` makes */
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    // A project may have left any block of the template out: then nobody sees what is written there.
    this.place = (name, tag = "div") => this.part(name) ?? document.createElement(tag);
    this.takesAudio = root.dataset.mode !== "receive";
    this.sendsAudio = root.dataset.mode !== "send";
    this.client = this.newClient(root.dataset);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.quality = new Quality();
    this.waves = { in: this.newWave("in"), out: this.newWave("out") };
    this.activity = new Activity({
      list: this.place("log"),
      empty: this.place("log-empty"),
      scroller: this.place("log-scroll"),
    });
    this.conversation = new Conversation(this.place("conversation"), this.place("talk-scroll"));
    this.input = new InputForm({
      form: this.place("input", "form"),
      part: this.place,
      send: (inputs) => this.client.setInput(inputs),
      onsent: (text) => this.activity.add("input", `You sent: ${text}`),
      announce: (text) => this.announce(text),
      signal,
    });
    this.devices = new DeviceMenu({
      microphone: this.part("microphone"),
      speaker: this.part("speaker"),
      speakerField: this.part("speaker-field"),
      signal,
      onmicrophone: (id) => this.client.setMicrophone(id),
      onspeaker: (id) => this.client.setSpeaker(id),
    });
    this.listen();
    this.listenToButtons(signal);
    this.showAtRest();
    this.showState({ state: "idle", text: "" });
    this.place("connect").disabled = false; // until here a click would have been lost
  }

  newClient({ websocketPath, outputsPath, inputPath, inputSampleRate, outputSampleRate, params }) {
    return new RTCClient({
      url: new URL(websocketPath, location.href.replace(/^http/, "ws")).href,
      outputsURL: outputsPath,
      inputURL: inputPath,
      takesAudio: this.takesAudio,
      sendsAudio: this.sendsAudio,
      // Twice the band of a telephone and more is enough for speech; music may want all of it.
      sampleRate: Number(outputSampleRate) > 24000 ? 48000 : 24000,
      publishedRates: { captureRate: Number(inputSampleRate), playbackRate: Number(outputSampleRate) },
      params: params ? JSON.parse(params) : null,
    });
  }

  newWave(direction) {
    const canvas = this.part(`wave-${direction}`);
    return canvas && new Waveform(canvas, this.listeners.signal);
  }

  /** A root that was in the page before, or is the copy of one, may show a call that is over. */
  showAtRest() {
    this.place("timer").hidden = true;
    this.input.end();
  }

  /** The root has left the page. */
  close() {
    this.client.leave();
    this.listeners.abort();
  }

  // ---- what the user does

  listenToButtons(signal) {
    const onclick = (name, action) => this.part(name)?.addEventListener("click", action, { signal });
    onclick("connect", ({ detail }) => {
      if (detail <= 1) this.callOrHangUp(); // not by the second click of a double one
    });
    onclick("mute", () => {
      this.client.setMuted(!this.client.muted);
      this.showButtons();
    });
    onclick("interrupt", () => this.client.interrupt());
    window.addEventListener("pagehide", () => this.client.leave(), { signal });
  }

  callOrHangUp() {
    if (this.client.active) {
      this.client.stop();
      return;
    }
    const processing = this.part("processing")?.checked ?? true;
    this.client.constraints = {
      echoCancellation: processing,
      noiseSuppression: processing,
      autoGainControl: processing,
    };
    this.quality = new Quality();
    this.conversation.clear();
    this.place("talk").hidden = true;
    this.client.connect();
  }

  // ---- what the client tells

  listen() {
    const on = (type, action) => this.client.addEventListener(type, ({ detail }) => action(detail));
    on("state", (detail) => this.showState(detail));
    on("session", () => this.begin());
    on("level", ({ direction, levelDb }) => this.showLevel(direction, levelDb));
    on("latency", (detail) => this.showLatency(detail));
    on("buffer", (detail) => this.showBuffer(detail));
    on("message", (message) => this.showMessage(message));
    on("output", (output) => this.showOutput(output));
    on("end", ({ text }) => this.end(text));
  }

  begin() {
    this.showQuality();
    if (this.began) this.activity.add("log", "Connected again. This is a new call: the stream starts afresh.");
    else this.startTimer();
    this.began = true;
    this.input.begin();
    this.devices.update(); // their names are known once one was allowed
  }

  end(text) {
    clearInterval(this.ticking);
    this.began = false;
    this.input.end();
    this.activity.add("end", text);
  }

  startTimer() {
    const beganAt = performance.now();
    const timer = this.place("timer");
    const show = () => {
      const seconds = Math.floor((performance.now() - beganAt) / 1000);
      timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    show();
    timer.hidden = false;
    this.ticking = setInterval(show, TICK_MS);
  }

  showOutput(output) {
    if (this.conversation.show(output)) this.place("talk").hidden = false;
    else this.activity.add("output", readable(output));
  }

  showMessage(message) {
    if (message.type === "log") this.activity.add("log", LOG_WORDS[message.data] ?? String(message.data));
    else if (message.type === "warning") this.activity.add("warning", message.message ?? String(message.data));
    else if (message.type === "error") this.activity.add("error", message.message ?? String(message.data));
    else if (message.type === "stopword") this.activity.add("log", "Stop word heard");
    else if (message.type === "send_input") this.askForInput();
    if (message.code === "input_timeout") this.input.settle();
  }

  askForInput() {
    this.activity.add("log", "The stream asks for input");
    this.input.ask();
  }

  // ---- state

  showState({ state, text, attempt, delayMs, reason, code }) {
    const { place } = this;
    const over = state === "lost" || state === "ended";
    const never = over && !this.began && reason !== "client_stop";
    const words = never ? NEVER_CONNECTED : (!this.takesAudio && PLAYING_WORDS[state]) || STATE_WORDS[state];
    this.root.dataset.state = state;
    const failed = never || state === "lost" || reason === "sound" || code === HANDLER_FAILED;
    this.root.toggleAttribute("data-failed", failed);
    place("state").textContent = words;
    const why = this.showReason(text, state === "reconnecting" ? { attempt, delayMs } : null);
    this.announceState(ANNOUNCED.includes(state) ? `${words} ${why}`.trim() : this.client.active ? "Connected" : "");
    if (state === "reconnecting") this.input.end();
    if (state === "reconnecting" && attempt === 1) this.activity.add("warning", text);
    this.showButtons();
    if (!this.client.connected) this.showNothing();
  }

  /**
   * @param {{ attempt: number, delayMs: number } | null} retry counted down to
   * @returns {string} what it says at first
   */
  showReason(text, retry) {
    clearInterval(this.countdown);
    const reason = this.place("reason");
    if (!retry) return (reason.textContent = text);
    const { attempt, delayMs } = retry;
    const beganAt = performance.now();
    const wordsAt = (nowMs) => `${text} ${retryText(attempt, delayMs - (nowMs - beganAt))}`;
    this.countdown = setInterval(() => (reason.textContent = wordsAt(performance.now())), TICK_MS);
    return (reason.textContent = wordsAt(beganAt));
  }

  announceState(words) {
    if (words !== this.announced) this.announce(words);
    this.announced = words;
  }

  announce(words) {
    this.place("announcement").textContent = words;
  }

  showButtons() {
    const { client, part, place } = this;
    const [mute, interrupt] = ["mute", "interrupt"].map(part);
    place("connect").classList.toggle("rtc-button-hang-up", client.active);
    place("connect-label").textContent = connectLabel(client);
    if (interrupt) interrupt.disabled = !client.connected;
    if (!mute) return;
    mute.disabled = !client.active;
    mute.setAttribute("aria-pressed", client.muted);
    place("mute-label").textContent = client.muted ? "Unmute" : "Mute";
  }

  showNothing() {
    for (const direction of ["in", "out"]) {
      this.showLevel(direction, QUIET_DB);
      this.waves[direction]?.clear();
    }
    this.root.dataset.quality = "";
    for (const name of ["quality", "latency", "buffer", "gaps"]) this.setFigure(name, "–");
  }

  // ---- figures

  showLevel(direction, levelDb) {
    this.part(`meter-${direction}`)?.setAttribute("aria-valuenow", Math.round(shareOf(levelDb) * 100));
    this.waves[direction]?.add(levelDb, performance.now());
  }

  showLatency({ roundTripMs, replyMs }) {
    if (replyMs !== undefined) {
      this.place("reply-figure").hidden = false;
      this.setFigure("reply", `${(replyMs / 1000).toFixed(1)} s`);
      return;
    }
    this.quality.roundTripMs = roundTripMs;
    this.showQuality();
  }

  showBuffer({ depthMs, underruns }) {
    this.quality.playback(underruns, performance.now());
    this.setFigure("buffer", `${Math.round(depthMs)} ms`);
    this.setFigure("gaps", String(underruns));
    this.showQuality();
  }

  showQuality() {
    const { name, roundTripMs } = this.quality;
    if (!this.client.connected || name === null) return; // the first answer comes before the call stands
    this.root.dataset.quality = name;
    this.setFigure("latency", `${Math.round(roundTripMs)} ms`);
    this.setFigure("quality", QUALITY_WORDS[name]);
  }

  setFigure(name, text) {
    const figure = this.part(name);
    if (figure && figure.textContent !== text) figure.textContent = text;
  }
}

function connectLabel({ active, state }) {
  if (active) return "Hang up";
  return state === "idle" ? "Connect" : "Connect again";
}

function retryText(attempt, delayMs) {
  if (delayMs <= 0) return `Trying again (attempt ${attempt})…`;
  const seconds = Math.ceil(delayMs / 1000);
  return `Trying again in ${seconds} s (attempt ${attempt}).`;
}

keepWidgets(VoiceWidget);
