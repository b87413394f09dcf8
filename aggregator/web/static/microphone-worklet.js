// The microphone in its own thread: packets of 20 ms at 16 kHz, with the time of their last sample.
import { RATE, Resample } from "./resample.js";

const PACKET = RATE / 50;

class MicrophoneProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resample = new Resample(sampleRate);
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
  }

  process([[heard]]) {
    if (!heard) return true;
    const at = currentTime + heard.length / sampleRate;
    for (const value of this.resample.push(heard)) {
      this.packet[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(32768 * value)));
      if (this.filled === PACKET) {
        this.port.postMessage({ samples: this.packet, at });
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("microphone", MicrophoneProcessor);
