// Records what reaches a node's output, on a clock that all contexts of the page share.

function toBase64(samples) {
  const integers = Int16Array.from(samples, (x) => Math.round(Math.max(-1, Math.min(1, x)) * 32767));
  const bytes = new Uint8Array(integers.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}

export class Recorder {
  /** Connect what is to be recorded to `.node`. */
  static async create(context) {
    await context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    return new Recorder(context);
  }

  constructor(context) {
    this.context = context;
    this.blocks = [];
    this.clockOffset = Infinity; // seconds from the context's time to the page's
    this.node = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
    this.node.port.onmessage = ({ data }) => {
      this.blocks.push(data);
      this.clockOffset = Math.min(this.clockOffset, performance.now() / 1000 - context.currentTime);
    };
    this.node.connect(context.destination);
  }

  get seconds() {
    return this.blocks.reduce((count, { samples }) => count + samples.length, 0) / this.context.sampleRate;
  }

  /** Resolves once `seconds` are recorded; rejects when that takes `patience` seconds more. */
  until(seconds, patience) {
    return new Promise((resolve, reject) => {
      const check = setInterval(() => {
        if (this.seconds >= seconds) resolve(clearInterval(check));
      }, 500);
      setTimeout(() => reject(new Error(`${this.seconds} s recorded`)), (seconds + patience) * 1000);
    });
  }

  result() {
    return recording(this.blocks, this);
  }
}

/**
 * {sample_rate, start_s, samples}: int16 in base64; `start_s` is on the page's clock.
 * blocks: [{startTime, samples}], one after the other; startTime is on the context's clock.
 */
export function recording(blocks, { context, clockOffset }) {
  const samples = new Float32Array(blocks.reduce((count, block) => count + block.samples.length, 0));
  let filled = 0;
  for (const block of blocks) {
    samples.set(block.samples, filled);
    filled += block.samples.length;
  }
  return { sample_rate: context.sampleRate, start_s: blocks[0].startTime + clockOffset, samples: toBase64(samples) };
}
