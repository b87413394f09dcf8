// The playout in the thread of the loudspeaker.
import { Playout } from "./playout.js";

const TOLD_S = 0.25;

class PlayoutProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new Playout(sampleRate);
    this.told = 0;
    this.age = 0;
    this.port.onmessage = ({ data }) => this.push(data);
  }

  push({ position, samples, quiet, age }) {
    this.playout.push(position, samples, quiet);
    if (!samples.length) return;
    // How old the newest sample is when it came, and how much older it will be when it is heard.
    this.age = age + this.playout.depth / 16000;
  }

  process(_inputs, [[output]]) {
    this.playout.render(output);
    if (currentTime - this.told >= TOLD_S) {
      this.told = currentTime;
      const { counts, depth, wanted, base, drift, now, end } = this.playout;
      const heard = end > 0;
      this.port.postMessage({ ...counts, depth, jitter: wanted - base, drift, now, age: this.age, heard });
    }
    return true;
  }
}

registerProcessor("playout", PlayoutProcessor);
