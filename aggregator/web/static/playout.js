// Plays sound that comes when it comes: an adaptive jitter buffer over the positions of samples in their stream.
// Knows no browser, so that a test can feed it what it wants. Times are in samples of the stream.
export const RATE = 16000;

const RING = 1 << 16;
const SPELL = RATE;
const SPELLS = 10; // are looked back at
const MINIMA_EVERY = 10 * RATE;
const SLIPPED = 0.02 * RATE;
const MARGIN = 0.008 * RATE;
const DEAD_ZONE = 0.001 * RATE;
const GENTLE = 0.02; // a change of pitch that nobody notices
const BRISK = 0.06; // for a delay that is long
const LONG = 0.04 * RATE;
const WORKED_OFF = RATE; // a deviation is worked off in about a second
const JUMP = 0.15 * RATE;
const CONCEALED = 0.06 * RATE;
const REPEATED = 0.02 * RATE;
const SEAM = 32;
const [TAPS, AHEAD, PHASES] = [16, 8, 128];

// A windowed sinc for each of some places between two samples: 16 kHz sound at the loudspeaker's own rate.
const BETWEEN = Float32Array.from({ length: PHASES * TAPS }, (_, at) => {
  const away = (at % TAPS) - (AHEAD - 1) - Math.floor(at / TAPS) / PHASES;
  if (away === 0) return 1;
  return (Math.sin(Math.PI * away) / (Math.PI * away)) * Math.cos((Math.PI * away) / (2 * AHEAD)) ** 2;
});

export class Playout {
  constructor(outputRate = RATE) {
    this.perOutput = RATE / outputRate;
    this.ring = new Float32Array(RING);
    this.end = 0; // behind the newest sample
    this.head = null; // the next one that is played
    this.now = 0; // samples that the loudspeaker has had time for
    this.quiet = true; // whether silence was announced after the end
    this.spells = []; // the soonest and the latest arrival of each second
    this.wanted = MARGIN;
    this.base = 0;
    this.dry = 0; // samples since the stream ran dry, while it should not
    this.seam = 0;
    this.lastOut = 0;
    this.minima = [];
    this.counts = { late: 0, made: 0, underruns: 0, dry: 0, longest: 0, jumps: 0 };
  }

  push(position, samples, quiet = false) {
    if (this.head === null) this.end = position;
    this.fill(position);
    const fresh = Math.max(0, this.end - position);
    for (let at = fresh; at < samples.length; at++) this.ring[(position + at) & (RING - 1)] = samples[at];
    if (samples.length) this.arrive(position, position + samples.length);
    this.end = Math.max(this.end, position + samples.length);
    this.quiet = quiet;
  }

  // Silence between what was there and what comes.
  fill(position) {
    const from = Math.max(this.end, position - RING);
    for (let at = from; at < position; at++) this.ring[at & (RING - 1)] = 0;
    if (position > this.end) this.end = position;
  }

  arrive(start, end) {
    this.measure(this.now - start);
    const idle = this.head === null || (this.quiet && this.head >= this.end);
    // After silence the delay can be set anew without anybody hearing it.
    if (idle) this.head = Math.min(start, this.now - this.wanted);
    // What was interrupted for long does not go on with what is late by now.
    else if (this.dry > CONCEALED) this.head = Math.max(this.head, this.now - this.wanted);
    else if (this.head > start) this.counts.late += Math.min(this.head, end) - start;
  }

  // How much later than the soonest do packets come? What happened in one second only is no rule.
  measure(offset) {
    const { spells, now } = this;
    // Sooner than anything before: the loudspeaker has stood still, and what was no longer counts.
    if (offset < this.base - SLIPPED) spells.length = 0;
    if (!spells.length || now - spells.at(-1).at >= SPELL) spells.push({ at: now, soonest: offset, latest: offset });
    if (spells.length > SPELLS) spells.shift();
    const spell = spells.at(-1);
    spell.soonest = Math.min(spell.soonest, offset);
    spell.latest = Math.max(spell.latest, offset);
    this.base = Math.min(...spells.map((one) => one.soonest));
    const latest = spells.map((one) => one.latest).sort((a, b) => b - a);
    this.wanted = latest[Math.min(1, latest.length - 1)] + MARGIN;
    const last = this.minima.at(-1);
    if (!last || now - last.at >= MINIMA_EVERY) this.minima.push({ at: now, offset });
    else last.offset = Math.min(last.offset, offset);
    if (this.minima.length > 360) this.minima.shift();
  }

  // Fills ``output`` with what is to be heard now.
  render(output) {
    const step = this.perOutput * (1 + this.speed());
    for (let at = 0; at < output.length; at++) {
      output[at] = this.head === null ? 0 : this.next(step);
      this.now += this.perOutput;
    }
  }

  speed() {
    if (this.head === null || this.dry) return 0;
    const error = this.now - this.head - this.wanted;
    if (error > JUMP) {
      this.counts.jumps += 1;
      this.head += error;
      this.seam = SEAM;
      return 0;
    }
    if (Math.abs(error) < DEAD_ZONE) return 0;
    const most = error > LONG ? BRISK : GENTLE;
    return Math.max(-most, Math.min(most, error / WORKED_OFF));
  }

  next(step) {
    // Some samples after the one at the head are needed, too, to play between them.
    if (this.head + AHEAD < this.end || (this.head < this.end && this.quiet)) return this.joined(this.sample(step));
    if (this.quiet) {
      this.head += step;
      this.lastOut = 0;
      return 0;
    }
    return this.conceal();
  }

  sample(step) {
    if (this.dry) {
      this.counts.longest = Math.max(this.counts.longest, this.dry);
      this.dry = 0;
      this.seam = SEAM;
    }
    const first = Math.floor(this.head) - AHEAD + 1;
    const phase = Math.floor((this.head % 1) * PHASES) * TAPS;
    const taps = Math.min(TAPS, this.end - first);
    let value = 0;
    for (let at = 0; at < taps; at++) value += BETWEEN[phase + at] * this.ring[(first + at) & (RING - 1)];
    this.head += step;
    return value;
  }

  // A step from one sound to another would be a click.
  joined(value) {
    if (!this.seam) return (this.lastOut = value);
    const out = value + (this.lastOut - value) * (this.seam / SEAM);
    this.seam -= 1;
    if (!this.seam) this.lastOut = value;
    return out;
  }

  // The stream ran dry: what was heard last goes on for a moment, and fades. The head waits.
  conceal() {
    if (!this.dry) this.counts.underruns += 1;
    this.dry += this.perOutput;
    this.counts.dry += this.perOutput;
    const at = Math.floor(this.dry);
    if (at >= CONCEALED || this.head < REPEATED) return (this.lastOut = 0);
    this.counts.made += this.perOutput;
    // Back and forth, so that there is no step.
    const turn = at % (2 * REPEATED);
    const back = turn < REPEATED ? turn : 2 * REPEATED - turn;
    return (this.lastOut = this.ring[(Math.floor(this.head) - 2 - Math.floor(back)) & (RING - 1)] * (1 - at / CONCEALED));
  }

  // How long what comes now waits until it is heard, in samples.
  get depth() {
    return this.head === null ? 0 : Math.max(0, this.end - this.head);
  }

  // By how much the loudspeaker's clock runs ahead of the microphone's, in millionths; null until that is known.
  get drift() {
    const known = this.minima.slice(1);
    if (known.length < 30) return null;
    const middle = (of) => known.reduce((sum, one) => sum + one[of], 0) / known.length;
    const [at, offset] = [middle("at"), middle("offset")];
    const above = known.reduce((sum, one) => sum + (one.at - at) * (one.offset - offset), 0);
    const below = known.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
    return (1e6 * above) / below;
  }
}
