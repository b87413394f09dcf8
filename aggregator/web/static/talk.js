// Push to talk: the microphone through an AudioWorklet and a WebSocket to a node's loudspeaker, and how it arrives.
const MOST_UNSENT_BYTES = 4000; // six packets: what waits longer is better dropped than late
const KEEP_MS = 30000; // so long the microphone stays open for the next turn
const KEYS = new Set([" ", "Enter"]);

const place = document.querySelector("[data-talk]");
if (place) {
  const button = place.querySelector("[data-hold]");
  const line = place.querySelector("[data-said]");
  const figures = place.querySelector("[data-figures]");
  const figure = (name, text) => { figures.querySelector(`[data-figure="${name}"]`).textContent = text; };
  let held = false;
  let ear = null; // the microphone, once opened
  let turn = null;

  async function press() {
    if (held) return;
    held = true;
    show();
    try {
      ear = ear || await open();
    } catch (error) {
      held = false;
      show();
      line.textContent = error.name === "NotAllowedError" ? "The browser does not let this page hear the microphone." : `There is no microphone to be had: ${error.message}`;
      return;
    }
    clearTimeout(ear.closing);
    await ear.sound.resume();
    if (held && !turn) begin();
  }

  function release() {
    if (!held) return;
    held = false;
    show();
    if (turn) turn.end();
    if (ear) ear.closing = setTimeout(close, KEEP_MS);
  }

  async function open() {
    if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new Error("talking needs https, or localhost");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    const sound = new AudioContext({ latencyHint: "interactive" });
    await sound.audioWorklet.addModule(place.dataset.worklet);
    const node = new AudioWorkletNode(sound, "microphone", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    sound.createMediaStreamSource(stream).connect(node);
    node.port.onmessage = ({ data }) => turn && turn.say(data);
    return { stream, sound };
  }

  function close() {
    if (!ear) return;
    ear.stream.getTracks().forEach((track) => track.stop());
    ear.sound.close();
    ear = null;
  }

  function begin() {
    const address = new URL(place.dataset.talk, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    const mine = { speaking: false, ended: false };
    line.textContent = "Waiting for the node …";
    mine.say = ({ samples, at }) => {
      if (!mine.speaking || mine.ended || socket.bufferedAmount > MOST_UNSENT_BYTES) return;
      const packet = new ArrayBuffer(8 + samples.byteLength);
      const ago = 1000 * Math.max(0, ear.sound.currentTime - at);
      new DataView(packet).setFloat64(0, performance.timeOrigin + performance.now() - ago, true);
      new Int16Array(packet, 8).set(samples);
      socket.send(packet);
    };
    mine.end = () => {
      mine.ended = true;
      if (socket.readyState === WebSocket.OPEN) socket.send("end");
    };
    socket.addEventListener("message", ({ data }) => read(mine, JSON.parse(data)));
    socket.addEventListener("close", () => {
      if (turn === mine) turn = null;
      if (!mine.over) line.textContent = "The connection was lost.";
      show();
    });
    turn = mine;
  }

  function read(mine, news) {
    if (news.begun) {
      mine.speaking = true;
      figures.hidden = false;
      figure("codec", news.begun.codec === "opus" ? "Opus" : `features, ${news.begun.codec}`);
      line.textContent = "You are heard";
      if (!held) mine.end();
      show();
    } else if (news.heard) {
      const { captured_ms, since_ms, lost, waiting_ms } = news.heard;
      const now = performance.timeOrigin + performance.now();
      if (captured_ms !== null) figure("delay", `${Math.round(Math.max(0, now - captured_ms - since_ms))} ms`);
      figure("lost", `${lost.toFixed(1)} %`);
      figure("waiting", `${waiting_ms} ms`);
      place.dataset.played = news.heard.played;
    } else if (news.ended !== undefined) {
      mine.over = true;
      mine.ended = true;
      line.textContent = news.ended || "";
      if (turn === mine) turn = null;
      show();
    }
  }

  function show() {
    button.setAttribute("aria-pressed", String(held));
    button.textContent = !held ? "Hold to talk" : turn && turn.speaking && !turn.ended ? "Talking …" : "Wait …";
    place.dataset.state = held ? (turn && turn.speaking && !turn.ended ? "talking" : "waiting") : turn ? "ending" : "off";
  }

  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    press();
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(name, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (!KEYS.has(event.key)) return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  button.addEventListener("keyup", (event) => KEYS.has(event.key) && release());
  addEventListener("pagehide", () => { release(); close(); });
  show();
}
