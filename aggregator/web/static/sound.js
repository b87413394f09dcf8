// Plays what a play button leads to, one sound at a time, and draws a line through the spectrogram where it is.
// Without this script the button is a link, and the browser plays the file by itself.

let playing = null;

export function stop() {
  if (!playing) return;
  const { audio, button, line } = playing;
  playing = null;
  audio.pause();
  line?.remove();
  show(button, "stopped");
}

function show(button, state) {
  button.dataset.state = state;
  button.setAttribute("role", "button");
  button.setAttribute("aria-pressed", String(state === "playing"));
}

function lineIn(picture) {
  if (!picture) return null;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  line.setAttribute("class", "playhead");
  line.setAttribute("aria-hidden", "true");
  line.append(document.createElementNS("http://www.w3.org/2000/svg", "line"));
  line.firstChild.setAttribute("y2", "100%");
  picture.append(line);
  return line;
}

function move() {
  if (!playing) return;
  const { audio, line } = playing;
  if (line && audio.duration) {
    const at = `${(100 * audio.currentTime) / audio.duration}%`;
    line.firstChild.setAttribute("x1", at);
    line.firstChild.setAttribute("x2", at);
  }
  requestAnimationFrame(move);
}

async function play(button) {
  stop();
  const audio = new Audio(button.href);
  const picture = button.closest("[data-sound]") && button.closest(".split-main, main").querySelector(".spectrogram");
  const mine = { audio, button, line: lineIn(picture) };
  playing = mine;
  show(button, "playing");
  const over = () => playing === mine && stop();
  audio.addEventListener("ended", over);
  try {
    await audio.play();
    move();
  } catch {
    // Whoever pressed again before it began has stopped it already.
    if (playing !== mine) return;
    stop();
    show(button, "failed");
    button.title = "This could not be played";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-play]");
  if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (playing?.button === button) stop();
  else play(button);
});
