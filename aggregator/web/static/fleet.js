// Keeps node cards as they are now.
import { element, morph, showWindow } from "./morph.js";
import { listen } from "./stream.js";
import { writeTimes } from "./times.js";

const cards = document.querySelector("[data-cards]");
const summary = document.querySelector("[data-summary]");
const empty = document.querySelector("[data-empty]");
const only = cards.dataset.only;

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
  if (!shown || Number(shown.dataset.at) < Number(fresh.dataset.at)) place.replaceChildren(fresh);
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
  windows.forEach((arrival) => showWindow(cards, arrival));
  count();
  writeTimes(cards);
});
