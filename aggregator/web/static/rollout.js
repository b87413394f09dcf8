// Keeps a rollout as it is now: its waves, its nodes, what can be ordered.
import { morph } from "./morph.js";
import { refresh } from "./refresh.js";
import { writeTimes } from "./times.js";

const EVERY_MS = 1000;
const SETTLED_EVERY_MS = 10000;

const place = document.querySelector("[data-rollout]");

async function look() {
  if (!document.hidden) await refresh(place.dataset.now, show);
  setTimeout(look, ["running", "paused"].includes(place.dataset.state) ? EVERY_MS : SETTLED_EVERY_MS);
}

function show(fresh) {
  // What somebody is typing must not be taken away.
  if (place.contains(document.activeElement) && document.activeElement.matches("input")) return;
  morph(place, fresh);
  writeTimes(place);
}

setTimeout(look, EVERY_MS);
