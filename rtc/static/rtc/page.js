// Wires the client page: buttons to the client, its events to words and meters.

import { RTCClient } from "./client.js";
import { InputError } from "./inputs.js";
import { readable } from "./readable.js";

const QUIET_DB = -60; // the left end of a meter
const LOG_LENGTH = 200;

const STATE_WORDS = {
  idle: "Ready to connect",
  connecting: "Connecting…",
  listening: "Listening",
  speaking: "The stream is speaking",
  muted: "Your microphone is muted",
  lost: "Connection lost",
  ended: "Call ended",
};
const PLAYING_WORDS = { listening: "Connected", speaking: "Playing" }; // of a stream that takes no audio
const TURN_WORDS = {
  started_talking: "You started to talk",
  pause_detected: "You paused",
  response_starting: "The answer begins",
};

const root = document.querySelector("[data-rtc-client]");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const stream = root.dataset;
const takesAudio = stream.mode !== "receive";
const sendsAudio = stream.mode !== "send";

function socketURL() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${stream.websocketPath}`;
}

const client = new RTCClient({
  url: socketURL(),
  outputsURL: stream.outputsPath,
  inputURL: stream.inputPath,
  takesAudio,
  sendsAudio,
  // Twice the band of a telephone and more is enough for speech; music may want all of it.
  sampleRate: Number(stream.outputSampleRate) > 24000 ? 48000 : 24000,
});

function constraints() {
  const processing = part("processing")?.checked ?? true;
  const deviceId = part("device")?.value;
  return {
    echoCancellation: processing,
    noiseSuppression: processing,
    autoGainControl: processing,
    ...(deviceId && { deviceId: { exact: deviceId } }),
  };
}

// ---- what the page shows

function setMeter(direction, levelDb) {
  const meter = part(`meter-${direction}`);
  if (!meter) return;
  const percent = Math.round(Math.max(0, Math.min(1, 1 - levelDb / QUIET_DB)) * 100);
  meter.style.setProperty("--level", `${percent}%`);
  meter.setAttribute("aria-valuenow", percent);
}

function setFigure(name, milliseconds) {
  const figure = part(name);
  if (figure) figure.textContent = milliseconds === null ? "–" : `${Math.round(milliseconds)} ms`;
}

function addLine(kind, text) {
  const line = document.createElement("li");
  line.className = `log-line log-${kind}`;
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  const words = document.createElement("span");
  words.textContent = text;
  line.append(time, words);
  const log = part("log");
  log.prepend(line);
  while (log.children.length > LOG_LENGTH) log.lastElementChild.remove();
  part("log-empty").hidden = true;
}

function showMuted() {
  const button = part("mute");
  if (!button) return;
  button.disabled = !client.active;
  button.setAttribute("aria-pressed", client.muted);
  part("mute-label").textContent = client.muted ? "Unmute" : "Mute";
}

function showState({ state, text }) {
  root.dataset.state = state;
  part("state").textContent = (!takesAudio && PLAYING_WORDS[state]) || STATE_WORDS[state];
  part("reason").textContent = text;
  const button = part("connect");
  button.setAttribute("aria-pressed", client.active);
  part("connect-label").textContent = client.active ? "Hang up" : state === "idle" ? "Connect" : "Connect again";
  showMuted();
  for (const field of root.querySelectorAll("[data-setting]")) field.disabled = client.active;
  if (client.active) return;
  setMeter("in", QUIET_DB);
  setMeter("out", QUIET_DB);
  setFigure("latency", null);
  setFigure("buffer", null);
}

function showMessage(message) {
  if (message.type === "log") addLine("log", TURN_WORDS[message.data] ?? String(message.data));
  else if (message.type === "warning") addLine("warning", message.message);
  else if (message.type === "error") addLine("error", message.message);
  else if (message.type === "stopword") addLine("log", "Stop word heard");
  else if (message.type === "send_input") askForInput();
  if (message.code === "input_timeout") part("input").hidden = true;
}

async function listDevices() {
  const select = part("device");
  if (!select || !navigator.mediaDevices) return;
  const devices = await navigator.mediaDevices.enumerateDevices();
  const microphones = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
  const chosen = select.value;
  select.replaceChildren(new Option("Default microphone", ""));
  for (const { deviceId, label } of microphones) {
    if (deviceId !== "default") select.add(new Option(label || "Microphone", deviceId));
  }
  if (microphones.some(({ deviceId }) => deviceId === chosen)) select.value = chosen;
}

// ---- late inputs

let inputsAsked = 0;

function askForInput() {
  inputsAsked += 1;
  addLine("log", "The stream asks for input");
  if (!part("input").hidden) return;
  part("input-problem").textContent = "";
  part("input").hidden = false;
  part("input-text").focus();
}

async function sendInput() {
  const field = part("input-text");
  const answering = inputsAsked;
  part("input-problem").textContent = "";
  part("input-send").disabled = true;
  try {
    await client.sendInput(field.value);
    addLine("input", `You sent: ${readable(field.value)}`);
    field.value = "";
    if (inputsAsked === answering) part("input").hidden = true; // else it has asked again already
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    part("input-problem").textContent = error.message;
  } finally {
    part("input-send").disabled = false;
  }
}

// ---- wiring

client.addEventListener("state", ({ detail }) => {
  showState(detail);
  if (detail.state === "listening") listDevices(); // their names are known once one was allowed
});
client.addEventListener("level", ({ detail }) => setMeter(detail.direction, detail.levelDb));
client.addEventListener("message", ({ detail }) => showMessage(detail));
client.addEventListener("output", ({ detail }) => addLine("output", readable(detail)));
client.addEventListener("end", ({ detail }) => {
  part("input").hidden = true;
  addLine("end", detail.text);
});
client.addEventListener("latency", ({ detail }) => {
  setFigure("latency", detail.roundTripMs);
});
client.addEventListener("buffer", ({ detail }) => {
  setFigure("buffer", detail.depthMs);
});

part("connect").addEventListener("click", () => {
  client.constraints = constraints();
  if (client.active) client.stop();
  else client.connect();
});

part("mute")?.addEventListener("click", () => {
  client.setMuted(!client.muted);
  showMuted();
});

part("input").addEventListener("submit", (event) => {
  event.preventDefault();
  sendInput();
});

window.addEventListener("pagehide", () => client.stop());
listDevices();
root.rtcClient = client;
showState({ state: "idle", text: "" });
part("connect").disabled = false; // until here a click would have been lost
