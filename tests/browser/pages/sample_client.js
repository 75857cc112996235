// Does step by step what the sample client in FastRTC's documentation does: ScriptProcessor of 2048, no declared
// rate, JSON and base64, each message one buffer at 24000, the next one started when the last has ended; inputs by
// `fetch`, outputs by an EventSource that nobody closes. Beside that it records its microphone and its output, what the
// ScriptProcessor gave it of its microphone, and when audio came.

import { Recorder, recording } from "./recorder.js";

const { mulaw } = window.alawmulaw;
const SCRIPT_PROCESSOR_SIZE = 2048;
const PLAYBACK_RATE = 24000;

const query = new URLSearchParams(location.search);
const captureRate = Number(query.get("rate"));
const path = query.get("path") ?? "/websocket/offer";
const inputs = JSON.parse(query.get("inputs") ?? "[]");

window.call = { messages: [], outputs: [], answers: [], decodedSamples: 0, state: "idle" };
window.arrivals = []; // of audio and of `clear`: {event, at}, in seconds of the page's clock

function toMulaw(samples) {
  return mulaw.encode(Int16Array.from(samples, (x) => Math.max(-1, Math.min(1, x)) * 32767));
}

async function capture(socket) {
  const context = new AudioContext({ sampleRate: captureRate });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const source = context.createMediaStreamSource(stream);
  const processor = context.createScriptProcessor(SCRIPT_PROCESSOR_SIZE, 1, 1);
  const recorder = await Recorder.create(context);
  source.connect(recorder.node);
  source.connect(processor);
  processor.connect(context.destination);
  const given = []; // without the 128 samples that Chromium drops whenever page and sound want the buffer at once
  window.call.given = { result: () => recording(given, recorder) };
  processor.onaudioprocess = ({ inputBuffer }) => {
    given.push({ startTime: context.currentTime - inputBuffer.duration, samples: inputBuffer.getChannelData(0).slice() });
    const payload = btoa(String.fromCharCode.apply(null, toMulaw(inputBuffer.getChannelData(0))));
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ event: "media", media: { payload } }));
  };
  return recorder;
}

async function playback(socket) {
  const context = new AudioContext({ sampleRate: PLAYBACK_RATE });
  const recorder = await Recorder.create(context);
  const queue = [];
  let playing = false;

  function playNext() {
    playing = queue.length > 0;
    if (!playing) return;
    const source = context.createBufferSource();
    source.buffer = queue.shift();
    source.connect(context.destination);
    source.connect(recorder.node);
    source.onended = playNext;
    source.start();
  }

  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (["media", "clear"].includes(message.event)) {
      window.arrivals.push({ event: message.event, at: performance.now() / 1000 });
    }
    if (message.event !== "media") {
      window.call.messages.push(message);
      return;
    }
    const text = atob(message.media.payload);
    const samples = mulaw.decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    const buffer = context.createBuffer(1, samples.length, PLAYBACK_RATE);
    buffer.getChannelData(0).set(Float32Array.from(samples, (x) => x / 32768));
    window.call.decodedSamples += samples.length;
    queue.push(buffer);
    if (!playing) playNext();
  });
  return recorder;
}

function answerRequests(socket, id) {
  socket.addEventListener("message", async ({ data }) => {
    if (JSON.parse(data).type !== "send_input") return;
    const response = await fetch("/input_hook", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ webrtc_id: id, inputs }),
    });
    window.call.answers.push(response.status);
  });
}

function readOutputs(id) {
  const source = new EventSource(`/outputs?webrtc_id=${id}`);
  source.addEventListener("output", ({ data }) => window.call.outputs.push(JSON.parse(data)));
  window.call.source = source;
}

async function connect() {
  const id = Math.random().toString(36).substring(2);
  const socket = new WebSocket(`ws://${location.host}${path}`);
  const opened = new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.addEventListener("close", ({ code }) => Object.assign(window.call, { state: "closed", code }));
  window.call.id = id;
  window.call.stop = () => {
    socket.send(JSON.stringify({ event: "stop" }));
    socket.close();
  };
  answerRequests(socket, id);
  window.call.played = await playback(socket);
  await opened;
  socket.send(JSON.stringify({ event: "start", websocket_id: id }));
  readOutputs(id);
  window.call.microphone = await capture(socket);
  window.call.state = "connected";
}

document.getElementById("connect").addEventListener("click", connect);
