// Wires each widget of a page: its buttons to a client, the client's events to words and waves.

import { Activity } from "./activity.js";
import { RTCClient } from "./client.js";
import { Conversation } from "./conversation.js";
import { DeviceMenu } from "./device-menu.js";
import { InputForm } from "./input-form.js";
import { Quality } from "./quality.js";
import { readable } from "./readable.js";
import { ReasonLine } from "./reason-line.js";
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
  paused: "Paused",
  lost: "Connection lost",
  ended: "Call ended",
};
const NEVER_CONNECTED = "Not connected";
const HANDLER_FAILED = 4500; // a close code
const PLAYING_WORDS = { listening: "Connected", speaking: "Playing" }; // of a stream that takes no audio
// Turns go to and fro too often to be read out; these are not.
const ANNOUNCED = ["connecting", "reconnecting", "muted", "paused", "lost", "ended"];
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
    this.quality = new Quality();
    this.waves = { in: this.newWave("in"), out: this.newWave("out") };
    this.reason = new ReasonLine(() => this.place("reason"));
    this.activity = new Activity({
      list: this.place("log"),
      empty: this.place("log-empty"),
      scroller: this.place("log-scroll"),
    });
    this.conversation = new Conversation(this.place("conversation"), this.place("talk-scroll"));
    this.input = new InputForm(
      this.place("input", "form"),
      this.place,
      (inputs) => this.client.setInput(inputs),
      (text) => this.activity.add("input", `You sent: ${text}`),
    );
    this.devices = new DeviceMenu({
      microphone: this.part("microphone"),
      speaker: this.part("speaker"),
      speakerField: this.part("speaker-field"),
      onmicrophone: async (id) => {
        await this.client.setMicrophone(id);
        this.devices.update(); // it may have been refused
      },
      onspeaker: (id) => this.client.setSpeaker(id),
    });
    this.listen();
    this.listenToButtons();
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
    return canvas && new Waveform(canvas);
  }

  // ---- what the user does

  listenToButtons() {
    this.place("connect").addEventListener("click", ({ detail }) => {
      if (detail <= 1) this.callOrHangUp(); // not by the second click of a double one
    });
    this.part("mute")?.addEventListener("click", () => {
      this.client.setMuted(!this.client.muted);
      this.showButtons();
    });
    this.part("interrupt")?.addEventListener("click", () => this.client.interrupt());
    window.addEventListener("pagehide", () => this.client.stop());
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
    this.reason.note("");
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
    else if (["warning", "error"].includes(message.type)) this.notify(message.type, message.message ?? message.data);
    else if (message.type === "stopword") this.activity.add("log", "Stop word heard");
    else if (message.type === "send_input") this.askForInput();
    if (message.code === "input_timeout") this.input.settle();
  }

  notify(kind, text) {
    this.activity.add(kind, String(text));
    this.announce(String(text));
    if (!this.part("log")) this.reason.note(String(text)); // there is no other place where it would be seen
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
    const why = this.reason.show(text, state === "reconnecting" ? { attempt, delayMs } : null);
    const said = ANNOUNCED.includes(state) ? `${words} ${why}`.trim() : this.client.active ? "Connected" : "";
    if (said !== this.said) this.announce((this.said = said)); // else a notice may just be read out
    if ((state === "reconnecting" && attempt === 1) || state === "paused") this.activity.add("warning", text);
    this.showButtons();
    if (!this.client.connected) this.showNothing();
  }

  announce(words) {
    const announcement = this.place("announcement");
    if (announcement.textContent !== words) announcement.textContent = words;
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

for (const root of document.querySelectorAll("[data-rtc-client]")) {
  const widget = new VoiceWidget(root);
  root.rtcClient = widget.client;
}
