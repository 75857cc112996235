import { LevelMeter } from "./level.js";
import { encode } from "./mulaw.js";
import { Resampler } from "./resampler.js";

/** Microphone at the context's rate in; mu-law frames of `frameMs` at `wireRate` out, each with its level in dB and the
 * number of the format that it has. */
class CaptureProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.meter = new LevelMeter();
    this.open = true;
    this.setFormat(processorOptions);
    this.port.onmessage = ({ data }) => {
      if (data.type === "format") this.setFormat(data);
      else this.open = false;
    };
  }

  setFormat({ wireRate, frameMs, format }) {
    this.format = format;
    this.resampler = new Resampler(sampleRate, wireRate);
    this.frame = new Float32Array((wireRate * frameMs) / 1000);
    this.filled = 0;
  }

  process([channels]) {
    if (channels.length > 0) this.add(this.resampler.process(mono(channels)));
    return this.open;
  }

  add(samples) {
    for (let taken = 0; taken < samples.length; ) {
      const part = samples.subarray(taken, taken + this.frame.length - this.filled);
      this.frame.set(part, this.filled);
      this.filled += part.length;
      taken += part.length;
      if (this.filled === this.frame.length) this.emit();
    }
  }

  emit() {
    this.filled = 0;
    this.meter.add(this.frame);
    const payload = encode(this.frame).buffer;
    this.port.postMessage({ payload, levelDb: this.meter.read(), format: this.format }, [payload]);
  }
}

function mono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((sample, i) => (sample + channels[1][i]) / 2);
}

registerProcessor("rtc-capture", CaptureProcessor);
