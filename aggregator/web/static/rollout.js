// Keeps a rollout as it is now: its waves, its nodes, what can be ordered.
import { element, morph } from "./morph.js";
import { writeTimes } from "./times.js";

const EVERY_MS = 1000;
const SETTLED_EVERY_MS = 10000;
const WORRY_AFTER = 4;

const place = document.querySelector("[data-rollout]");
const line = document.querySelector("[data-line]");
let failures = 0;

async function look() {
  if (!document.hidden) await refresh();
  setTimeout(look, ["running", "paused"].includes(place.dataset.state) ? EVERY_MS : SETTLED_EVERY_MS);
}

async function refresh() {
  try {
    const answer = await fetch(place.dataset.now, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    show(element(await answer.text()));
    failures = 0;
  } catch {
    failures += 1;
  }
  line.textContent = failures >= WORRY_AFTER ? "Connection lost, trying again …" : "";
}

function show(fresh) {
  // What somebody is typing must not be taken away.
  if (place.contains(document.activeElement) && document.activeElement.matches("input")) return;
  morph(place, fresh);
  writeTimes(place);
}

setTimeout(look, EVERY_MS);
