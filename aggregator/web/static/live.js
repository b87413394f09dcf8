// Puts detections on the page as they come.
import { element, showWindow } from "./morph.js";
import { listen } from "./stream.js";
import { writeTimes } from "./times.js";

const MOST_ROWS = 200;
const ANNOUNCE_EVERY_MS = 4000;

const list = document.querySelector("[data-hears]");
const empty = document.querySelector("[data-empty]");
const announcer = document.querySelector("[data-announce]");
const button = document.querySelector("[data-pause]");
let paused = false;
let held = [];
let unspoken = [];

function place(row) {
  const at = Number(row.dataset.at);
  const older = [...list.children].find((other) => Number(other.dataset.at) <= at);
  list.insertBefore(row, older ?? null);
  while (list.children.length > MOST_ROWS) list.lastElementChild.remove();
  empty.hidden = true;
}

function isKnown(id) {
  return list.querySelector(`[data-id="${Number(id)}"]`) || held.some((other) => other.id === id);
}

function show({ row }) {
  const fresh = element(row);
  fresh.classList.add("heard-new");
  place(fresh);
}

function hear(heard) {
  if (isKnown(heard.id)) return;
  if (paused) {
    held = [...held, heard].slice(-MOST_ROWS);
  } else {
    show(heard);
    unspoken.push(`${heard.label} on ${heard.node}`);
  }
}

function label() {
  button.textContent = paused ? (held.length ? `Resume, ${held.length} new` : "Resume") : "Pause";
}

button.hidden = false;
button.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  if (!paused) held.splice(0).forEach(show);
  label();
  writeTimes(list);
});

// A screen reader is told a few times a minute, not with every sound.
setInterval(() => {
  if (!unspoken.length) return;
  const more = unspoken.length > 3 ? ` and ${unspoken.length - 3} more` : "";
  announcer.textContent = `Heard ${unspoken.slice(-3).join(", ")}${more}`;
  unspoken = [];
}, ANNOUNCE_EVERY_MS);

listen(list.dataset.events, ({ detections, windows }) => {
  detections.forEach(hear);
  windows.forEach((arrival) => showWindow(list, arrival));
  held = held.map((heard) => ({ ...heard, row: withWindow(heard, windows) }));
  label();
  writeTimes(list);
});

function withWindow(heard, windows) {
  const arrival = windows.find(({ detection }) => detection === heard.id);
  if (!arrival) return heard.row;
  const row = element(heard.row);
  showWindow(row, arrival);
  return row.outerHTML;
}
