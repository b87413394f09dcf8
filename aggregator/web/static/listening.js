// Listening to a node now: sound through a WebSocket into an AudioWorklet, and how well that goes.
import { draw } from "./spectrum.js";

const ASK_MS = 2000;
const AGAIN_MS = 1000;
const HEADER_BYTES = 20;
const QUIET = 1;
const SPECTRUM = 1024;

const place = document.querySelector("[data-listen]");
const button = place.querySelector("[data-go]");
const form = place.querySelector("form");
const line = place.querySelector("[data-said]");
const canvas = place.querySelector("canvas");
const figure = (name) => place.querySelector(`[data-figure="${name}"]`);

let running = null;

async function begin() {
  const asked = performance.now();
  if (!window.AudioWorkletNode) {
    say("This browser plays live sound only over https or from localhost. The stream below works everywhere.");
    return;
  }
  // Whoever wants short packets wants to hear soon; the others get more rest between two looks at the line.
  const quick = new FormData(form).get("packet_ms") === "20";
  const sound = new AudioContext({ latencyHint: quick ? 0 : "interactive" });
  running = { sound, asked, joined: null, age: 0, way: 0, server: {}, over: false };
  const mine = running;
  show(true);
  say("Waiting for the node …");
  await sound.audioWorklet.addModule(place.dataset.worklet);
  await sound.resume();
  if (mine !== running) return;
  mine.node = new AudioWorkletNode(sound, "playout", { numberOfInputs: 0, outputChannelCount: [1] });
  mine.node.port.onmessage = ({ data }) => told(mine, data);
  const analyser = new AnalyserNode(sound, { fftSize: SPECTRUM, smoothingTimeConstant: 0, minDecibels: -105, maxDecibels: -25 });
  mine.node.connect(analyser).connect(sound.destination);
  mine.stopDrawing = draw(canvas, analyser);
  connect(mine);
}

function connect(mine) {
  const address = new URL(place.dataset.sound, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = new URLSearchParams(new FormData(form)).toString();
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  mine.socket = socket;
  mine.asking = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(String(performance.now())), ASK_MS);
  socket.addEventListener("message", ({ data }) => (typeof data === "string" ? read(mine, JSON.parse(data)) : hear(mine, data)));
  socket.addEventListener("close", () => {
    clearInterval(mine.asking);
    if (mine !== running || mine.over) return;
    say("Connection lost, trying again …");
    setTimeout(() => mine === running && connect(mine), AGAIN_MS);
  });
}

function hear(mine, data) {
  const head = new DataView(data, 0, HEADER_BYTES);
  const wave = new Int16Array(data, HEADER_BYTES);
  const samples = Float32Array.from(wave, (value) => value / 32768);
  const quiet = (head.getUint32(16, true) & QUIET) !== 0;
  const age = head.getFloat32(8, true) + mine.way;
  mine.node.port.postMessage({ position: head.getFloat64(0, true), samples, quiet, age }, [samples.buffer]);
  if (mine.joined === null) {
    mine.joined = performance.now() - mine.asked;
    say("Live");
  }
}

function read(mine, news) {
  if (news.ended) {
    mine.over = true;
    end();
    say(news.ended);
  } else if (news.echo) {
    const way = (performance.now() - Number(news.echo)) / 2000;
    mine.way = mine.way ? Math.min(way, 0.9 * mine.way + 0.1 * way) : way;
  } else {
    mine.server = news;
  }
}

// What the loudspeaker's thread says, four times a second.
function told(mine, now) {
  if (mine !== running || !now.heard) return;
  const { server, sound } = mine;
  const age = now.age + (sound.outputLatency || sound.baseLatency || 0);
  mine.age = mine.age ? 0.8 * mine.age + 0.2 * age : age;
  const ms = (samples) => `${Math.round(samples / 16)} ms`;
  write("delay", place.dataset.clock ? `${Math.round(1000 * mine.age)} ms` : "– (its clock is not synchronised)");
  write("joined", `${(mine.joined / 1000).toFixed(2)} s`);
  write("buffer", `${ms(now.depth)}, for ${ms(now.jitter)} of jitter`);
  write("underruns", `${now.underruns}, the longest ${ms(now.longest)}`);
  write("late", ms(now.late));
  write("drift", now.drift === null ? "–" : `${now.drift.toFixed(0)} ppm`);
  if (server.payload_bps === undefined) return;
  write("lost", `${(100 * server.lost).toFixed(1)} %`);
  write("payload", `${(server.payload_bps / 1000).toFixed(1)} kbit/s`);
  write("wire", `${(server.wire_bps / 1000).toFixed(1)} kbit/s`);
  write("listeners", String(server.listeners));
}

function write(name, text) {
  const cell = figure(name);
  if (cell.textContent !== text) cell.textContent = text;
}

function end() {
  if (!running) return;
  const mine = running;
  running = null;
  clearInterval(mine.asking);
  mine.socket?.close();
  mine.stopDrawing?.();
  mine.sound.close();
  show(false);
  say("");
}

function say(text) {
  line.textContent = text;
}

function show(on) {
  button.textContent = on ? "Stop" : "Listen";
  button.dataset.state = on ? "on" : "off";
}

button.addEventListener("click", () => {
  if (running) end();
  else begin().catch((error) => { end(); say(`This browser cannot play it: ${error.message}`); });
});
form.addEventListener("change", () => {
  if (!running) return;
  end();
  button.click();
});
addEventListener("pagehide", end);
