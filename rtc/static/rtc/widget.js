// Wires each widget of a page: its buttons to a client, the client's events to words and waves.

import { Activity } from "./activity.js";
import { RTCClient } from "./client.js";
import { Conversation } from "./conversation.js";
import { DeviceMenu } from "./device-menu.js";
import { InputForm } from "./input-form.js";
import { Meter } from "./meter.js";
import { keepWidgets } from "./mounting.js";
import { Quality } from "./quality.js";
import { readable } from "./readable.js";
import { sentence } from "./reasons.js";
import { Status } from "./status.js";
import {
  ASKED,
  LOG_WORDS,
  NEVER_CONNECTED,
  PLAYING_WORDS,
  QUALITY_WORDS,
  STATE_WORDS,
  STOP_WORD,
  wordsOf,
} from "./words.js";

const TICK_MS = 1000;
const DEPTH_MS = 500; // between two figures of the buffer: it changes with each report, and each costs a layout

const HANDLER_FAILED = 4500; // a close code
// Turns go to and fro too often to be read out; these are not.
const ANNOUNCED = ["connecting", "reconnecting", "muted", "paused", "lost", "ended"];

export class VoiceWidget {
  /** @param {HTMLElement} root the element that `{% voice_client %}` makes */
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    // A project may have left any block of the template out: then nobody sees what is written there.
    this.place = (name, tag = "div") => this.part(name) ?? document.createElement(tag);
    this.words = wordsOf(root);
    this.say = (english, values) => this.words.say(english, values);
    this.takesAudio = root.dataset.mode !== "receive";
    this.sendsAudio = root.dataset.mode !== "send";
    this.client = this.newClient(root.dataset);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.quality = new Quality();
    const newMeter = (side) => new Meter(this.part(`meter-${side}`), this.part(`wave-${side}`), signal);
    this.meters = { in: newMeter("in"), out: newMeter("out") };
    this.status = new Status({
      state: this.place("state"),
      reason: this.place("reason"),
      announcement: this.place("announcement"),
      say: this.say,
    });
    this.activity = new Activity({
      list: this.place("log"),
      empty: this.place("log-empty"),
      scroller: this.place("log-scroll"),
    });
    this.conversation = new Conversation({
      list: this.place("conversation"),
      scroller: this.place("talk-scroll"),
      section: this.place("talk", "section"),
      say: this.say,
    });
    this.input = new InputForm({
      form: this.place("input", "form"),
      part: this.place,
      send: (inputs) => this.client.setInput(inputs),
      onsent: (text) => this.activity.add("input", this.say("You sent: {text}", { text })),
      say: this.say,
      announce: (text) => this.status.announce(text),
      signal,
    });
    this.devices = new DeviceMenu({
      microphone: this.part("microphone"),
      speaker: this.part("speaker"),
      speakerField: this.part("speaker-field"),
      say: this.say,
      signal,
      onmicrophone: async (id) => {
        await this.client.setMicrophone(id);
        this.devices.update(); // it may have been refused
      },
      onspeaker: (id) => this.client.setSpeaker(id),
    });
    this.listen();
    this.listenToButtons(signal);
    this.showAtRest();
    this.showState({ state: "idle", text: "" });
    this.place("late").hidden = true;
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
    this.status.note("");
    this.conversation.clear();
    this.client.connect();
  }

  // ---- what the client tells

  listen() {
    const on = (type, action) => this.client.addEventListener(type, ({ detail }) => action(detail));
    on("state", (detail) => this.showState(detail));
    on("session", () => this.begin());
    on("level", ({ direction, levelDb }) => this.meters[direction].show(levelDb, performance.now()));
    on("latency", (detail) => this.showLatency(detail));
    on("buffer", (detail) => this.showBuffer(detail));
    on("message", (message) => this.showMessage(message));
    on("output", (output) => this.showOutput(output));
    on("end", ({ text }) => this.end(text));
  }

  begin() {
    this.showQuality();
    if (this.began) this.activity.add("log", this.say("Connected again. This is a new call: the stream starts afresh."));
    else this.startTimer();
    this.began = true;
    this.input.begin();
    this.devices.update(); // their names are known once one was allowed
  }

  end(text) {
    clearInterval(this.ticking);
    this.began = false;
    this.input.end();
    this.activity.add("end", this.say(text));
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
    if (!this.conversation.show(output)) this.activity.add("output", readable(output));
  }

  showMessage({ type, data, message, code }) {
    const add = (kind, text) => this.activity.add(kind, this.say(text));
    if (type === "log") add("log", Object.hasOwn(LOG_WORDS, data) ? LOG_WORDS[data] : String(data));
    else if (type === "warning" || type === "error") this.notify(type, this.say(String(message ?? data)));
    else if (type === "stopword") add("log", STOP_WORD);
    else if (type === "send_input") {
      add("log", ASKED);
      this.input.ask();
    }
    if (code === "input_timeout") this.input.settle();
  }

  notify(kind, text) {
    this.activity.add(kind, text);
    this.status.announce(text);
    if (!this.part("log")) this.status.note(text); // there is no other place where it would be seen
  }

  // ---- state

  showState({ state, text, attempt, delayMs, reason, code }) {
    const { say } = this;
    const over = state === "lost" || state === "ended";
    const never = over && !this.began && reason !== "client_stop";
    const words = say(never ? NEVER_CONNECTED : (!this.takesAudio && PLAYING_WORDS[state]) || STATE_WORDS[state]);
    this.root.dataset.state = state;
    const failed = never || state === "lost" || reason === "sound" || code === HANDLER_FAILED;
    this.root.toggleAttribute("data-failed", failed);
    const why = say(text);
    this.status.show(words, why, state === "reconnecting" ? { attempt, delayMs } : null);
    const told = why ? `${sentence(words)} ${why}` : words;
    const otherwise = this.client.active ? say("Connected") : "";
    this.status.announceState(ANNOUNCED.includes(state) ? told : otherwise);
    if (state === "reconnecting") this.input.end();
    const noted = state === "reconnecting" ? attempt === 1 : ["muted", "paused"].includes(state);
    if (text && noted) this.activity.add("warning", say(text));
    this.showButtons();
    if (!this.client.connected) this.showNothing();
  }

  showButtons() {
    const { client, part, place } = this;
    const [mute, interrupt] = ["mute", "interrupt"].map(part);
    place("connect").classList.toggle("rtc-button-hang-up", client.active);
    place("connect-label").textContent = this.connectLabel();
    if (interrupt) interrupt.disabled = !client.connected;
    if (!mute) return;
    mute.disabled = !client.active;
    mute.classList.toggle("rtc-button-muted", client.muted); // its label says it: it is no switch
    place("mute-label").textContent = this.say(client.muted ? "Unmute" : "Mute");
  }

  connectLabel() {
    if (this.client.active) return this.say("Hang up");
    return this.client.state === "idle" ? this.say("Connect") : this.say("Connect again");
  }

  showNothing() {
    for (const meter of Object.values(this.meters)) meter.clear();
    this.root.dataset.quality = "";
    this.depthAt = -Infinity;
    for (const name of ["quality", "latency", "buffer", "gaps"]) this.setFigure(name, "–");
  }

  // ---- figures

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
    const nowMs = performance.now();
    this.quality.playback(underruns, nowMs);
    if (nowMs - this.depthAt >= DEPTH_MS) {
      this.depthAt = nowMs;
      this.setFigure("buffer", `${Math.round(depthMs)} ms`);
    }
    this.setFigure("gaps", String(underruns));
    this.showQuality();
  }

  showQuality() {
    const { name, roundTripMs } = this.quality;
    if (!this.client.connected || name === null) return; // the first answer comes before the call stands
    this.root.dataset.quality = name;
    this.setFigure("latency", `${Math.round(roundTripMs)} ms`);
    this.setFigure("quality", this.say(QUALITY_WORDS[name]));
  }

  setFigure(name, text) {
    const figure = this.part(name);
    if (figure && figure.textContent !== text) figure.textContent = text;
  }
}

keepWidgets(VoiceWidget);
