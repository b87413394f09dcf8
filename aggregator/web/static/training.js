// Keeps the training that runs as it is now. When it ends, the page shows what came of it.
import { element, morph } from "./morph.js";
import { writeTimes } from "./times.js";

const EVERY_MS = 1000;
const WORRY_AFTER = 4;

const place = document.querySelector("[data-training]");
const line = document.querySelector("[data-line]");
let failures = 0;
let runs = place.dataset.training;

async function look() {
  if (document.hidden) return;
  const address = new URL(place.dataset.now, location.href);
  if (runs) address.searchParams.set("seen", runs);
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    show(element(await answer.text()));
    failures = 0;
  } catch {
    failures += 1;
  }
  line.textContent = failures >= WORRY_AFTER ? "Connection lost, trying again …" : "";
}

function show(fresh) {
  const before = runs;
  runs = fresh.dataset.training || runs;
  // The list below has a new line then, and the button is back.
  if (before && !fresh.dataset.training) return location.reload();
  morph(place, fresh);
  writeTimes(place);
  return undefined;
}

setInterval(look, EVERY_MS);
