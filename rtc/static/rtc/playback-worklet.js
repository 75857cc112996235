import { JitterBuffer } from "./jitter-buffer.js";
import { LevelMeter } from "./level.js";
import { decode } from "./mulaw.js";
import { Resampler } from "./resampler.js";

const REPORT_MS = 50;

/** Mu-law at `wireRate` in by messages; sound at the context's rate out. Reports marks and, every 50 ms, its state. */
class PlaybackProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.resampler = new Resampler(processorOptions.wireRate, sampleRate);
    this.buffer = new JitterBuffer(sampleRate);
    this.meter = new LevelMeter();
    this.reportLength = (sampleRate * REPORT_MS) / 1000;
    this.sinceReport = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  receive(message) {
    if (message.type === "audio") {
      this.buffer.push(this.resampler.process(decode(new Uint8Array(message.payload))));
    } else if (message.type === "mark") {
      this.buffer.mark(message.name);
    } else if (message.type === "clear") {
      this.resampler.reset();
      this.postMarks(this.buffer.clear());
    } else if (message.type === "format") {
      this.resampler = new Resampler(message.wireRate, sampleRate);
    } else if (message.type === "close") {
      this.open = false;
    }
  }

  process(inputs, [channels]) {
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
    const { depthMs, targetMs, underruns, dropped, playing } = this.buffer;
    const levelDb = this.meter.read();
    this.port.postMessage({ type: "report", levelDb, depthMs, targetMs, underruns, dropped, playing });
  }
}

registerProcessor("rtc-playback", PlaybackProcessor);
