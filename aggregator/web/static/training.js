// Keeps the training that runs as it is now. When it ends, the page shows what came of it.
import { morph } from "./morph.js";
import { refresh } from "./refresh.js";
import { writeTimes } from "./times.js";

const EVERY_MS = 1000;

const place = document.querySelector("[data-training]");
let runs = place.dataset.training;

async function look() {
  if (document.hidden) return;
  const address = new URL(place.dataset.now, location.href);
  if (runs) address.searchParams.set("seen", runs);
  await refresh(address, show);
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
