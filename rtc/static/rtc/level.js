const SILENCE_DB = -100;

/** Loudness of the samples since the last reading: root mean square in dB of full scale, -100 for silence. */
export class LevelMeter {
  constructor() {
    this.energy = 0;
    this.count = 0;
  }

  add(samples) {
    for (let i = 0; i < samples.length; i++) this.energy += samples[i] * samples[i];
    this.count += samples.length;
  }

  read() {
    const power = this.count > 0 ? this.energy / this.count : 0;
    this.energy = 0;
    this.count = 0;
    return Math.max(SILENCE_DB, 10 * Math.log10(power + 1e-12));
  }
}
