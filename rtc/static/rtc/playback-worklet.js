import { Backlog } from "./backlog.js";
import { JitterBuffer } from "./jitter-buffer.js";
import { LevelMeter } from "./level.js";
import { decode } from "./mulaw.js";
import { Resampler } from "./resampler.js";

const REPORT_MS = 50;
// Of a backlog, so much above its target is handed to the buffer: less than what it takes for a delay to be rid of.
const AHEAD_MS = 100;
const PIECE_MS = 20; // decoded at a time: a render quantum leaves little time

/**
 * Mu-law at `wireRate` in by messages; sound at the context's rate out. Reports marks and, every 50 ms, its state. What
 * a server sends that does not pace itself (`paced` is false) waits in a backlog, and is all played.
 */
class PlaybackProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.setFormat({ wireRate: processorOptions.wireRate, paced: true });
    this.buffer = new JitterBuffer(sampleRate);
    this.meter = new LevelMeter();
    this.reportLength = (sampleRate * REPORT_MS) / 1000;
    this.sinceReport = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  receive(message) {
    if (message.type === "audio") {
      this.take(new Uint8Array(message.payload));
    } else if (message.type === "mark") {
      this.buffer.mark(message.name);
    } else if (message.type === "clear") {
      this.resampler.reset();
      this.backlog.clear();
      this.postMarks(this.buffer.clear());
    } else if (message.type === "format") {
      this.setFormat(message);
    } else if (message.type === "resumed") {
      this.buffer.resumed();
    } else if (message.type === "close") {
      this.open = false;
    }
  }

  setFormat({ wireRate, paced }) {
    this.resampler = new Resampler(wireRate, sampleRate);
    this.backlog = new Backlog(wireRate);
    this.paced = paced;
  }

  take(bytes) {
    if (this.paced) this.hand(bytes);
    else this.backlog.push(bytes);
  }

  hand(bytes) {
    this.buffer.push(this.resampler.process(decode(bytes)));
  }

  feed() {
    if (this.buffer.depthMs >= this.buffer.targetMs + AHEAD_MS) return;
    const piece = this.backlog.take(PIECE_MS);
    if (piece.length > 0) this.hand(piece);
  }

  process(inputs, [channels]) {
    this.feed();
    this.postMarks(this.buffer.pull(channels[0]));
    for (const channel of channels.slice(1)) channel.set(channels[0]);
    this.meter.add(channels[0]);
    this.sinceReport += channels[0].length;
    if (this.sinceReport >= this.reportLength) this.report();
    return this.open;
  }

  postMarks(names) {
    for (const name of names) this.port.postMessage({ type: "mark", name });
  }

  report() {
    this.sinceReport = 0;
    const { targetMs, underruns, playing } = this.buffer;
    const depthMs = this.buffer.depthMs + this.backlog.depthMs;
    const dropped = this.buffer.dropped + Math.round((this.backlog.droppedMs * sampleRate) / 1000);
    const levelDb = this.meter.read();
    this.port.postMessage({ type: "report", levelDb, depthMs, targetMs, underruns, dropped, playing });
  }
}

registerProcessor("rtc-playback", PlaybackProcessor);
