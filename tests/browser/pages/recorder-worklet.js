/** Posts all that comes in, and silence when nothing does, a block of about a tenth of a second at a time. */
class RecorderProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.round(sampleRate / 10 / 128) * 128);
    this.filled = 0;
  }

  process([channels]) {
    if (channels.length > 0) this.block.set(channels[0], this.filled);
    else this.block.fill(0, this.filled, this.filled + 128);
    this.filled += 128;
    if (this.filled < this.block.length) return true;
    const startTime = currentTime + 128 / sampleRate - this.block.length / sampleRate;
    this.port.postMessage({ startTime, samples: this.block.slice() });
    this.filled = 0;
    return true;
  }
}

registerProcessor("recorder", RecorderProcessor);
