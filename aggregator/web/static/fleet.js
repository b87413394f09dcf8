// Keeps node cards as they are now.
import { element, morph, showWindow } from "./morph.js";
import { listen } from "./stream.js";
import { writeTimes } from "./times.js";

const PATIENCE_MS = 3000;

const cards = document.querySelector("[data-cards]");
const summary = document.querySelector("[data-summary]");
const empty = document.querySelector("[data-empty]");
const only = cards.dataset.only;
const held = new Map();

const cardOf = (name) => [...cards.children].find((card) => card.dataset.node === name);

function showNode({ name, html }) {
  if (only && name !== only) return;
  const fresh = element(html);
  const card = cardOf(name);
  if (!card) {
    const next = [...cards.children].find((other) => other.dataset.node > name);
    cards.insertBefore(fresh, next ?? null);
    return;
  }
  card.dataset.status = fresh.dataset.status;
  morph(card.querySelector(".vitals"), fresh.querySelector(".vitals"));
}

function showDetection({ node, tile }) {
  const place = cardOf(node)?.querySelector(".card-last");
  if (!place) return;
  const fresh = element(tile);
  const shown = place.querySelector("[data-at]");
  if (shown && Number(shown.dataset.at) >= Number(fresh.dataset.at)) return;
  if (waits(fresh) && place.querySelector("img")) hold(place, fresh);
  else place.replaceChildren(fresh);
}

const waits = (tile) => tile.querySelector(".thumb-waits") !== null;

// A picture is not taken away for a placeholder when the next picture is a moment behind.
function hold(place, tile) {
  held.set(place, tile);
  setTimeout(() => release(place, tile), PATIENCE_MS);
}

function release(place, tile) {
  if (held.get(place) !== tile) return;
  held.delete(place);
  place.replaceChildren(tile);
}

function showArrival(arrival) {
  showWindow(cards, arrival);
  for (const [place, tile] of held) {
    showWindow(tile, arrival);
    if (!waits(tile)) release(place, tile);
  }
}

function count() {
  const all = [...cards.children];
  const online = all.filter((card) => card.dataset.status !== "offline").length;
  if (summary) summary.textContent = `${all.length} ${all.length === 1 ? "node" : "nodes"}, ${online} online`;
  if (empty) empty.hidden = all.length > 0;
}

listen(cards.dataset.events, ({ nodes, detections, windows }) => {
  nodes.forEach(showNode);
  detections.forEach(showDetection);
  windows.forEach(showArrival);
  count();
  writeTimes(cards);
});
