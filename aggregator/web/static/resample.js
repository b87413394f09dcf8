// Sound of any rate at 16 kHz, piece by piece: each sample is a windowed sinc over those around it.
// Knows no browser, so that a test can feed it what it wants.
export const RATE = 16000;

const ZEROS = 12; // of the sinc, on each side

export class Resample {
  constructor(inputRate) {
    this.step = inputRate / RATE;
    this.cut = Math.min(1, RATE / inputRate) * 0.94; // of half the lower rate: what lies above would fold down
    this.reach = Math.ceil(ZEROS / this.cut);
    this.heard = new Float32Array(this.reach); // silence before the first sample
    this.at = this.reach; // where the next output lies in what was heard
  }

  push(samples) {
    const joined = new Float32Array(this.heard.length + samples.length);
    joined.set(this.heard);
    joined.set(samples, this.heard.length);
    const made = [];
    while (this.at + this.reach < joined.length) {
      made.push(this.value(joined));
      this.at += this.step;
    }
    const gone = Math.max(0, Math.floor(this.at) - this.reach);
    this.heard = joined.slice(gone);
    this.at -= gone;
    return made;
  }

  value(joined) {
    let sum = 0;
    for (let place = Math.ceil(this.at - this.reach); place <= this.at + this.reach; place++) {
      const away = place - this.at;
      const x = Math.PI * away * this.cut;
      const sinc = x === 0 ? 1 : Math.sin(x) / x;
      sum += joined[place] * sinc * (0.5 + 0.5 * Math.cos((Math.PI * away) / this.reach));
    }
    return sum * this.cut;
  }
}
