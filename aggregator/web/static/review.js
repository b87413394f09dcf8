// Answers cards by key. The next cards wait in the page, so that one is there the moment another is answered;
// answers travel behind, one after the other, and a card whose answer did not arrive comes back.
import { element } from "./morph.js";
import { stop } from "./sound.js";
import { writeTimes } from "./times.js";

const AHEAD = 2;

const stage = document.querySelector("[data-stage]");
const progress = document.querySelector("[data-progress]");
const told = document.querySelector("[data-told]");
const refused = document.querySelector("[data-refused]");
const help = document.querySelector("[data-help]");
const done = document.querySelector("[data-done]");

let shown = stage.querySelector("[data-card]");
let ahead = [];
let exhausted = false;
let travelling = Promise.resolve();
// Windows whose answers are on their way: the server would hand them out once more.
const onTheirWay = new Set();

const windowOf = (card) => card.dataset.window;

// What the reader sees.

function show(card) {
  shown = card;
  stop();
  stage.replaceChildren(card ?? waiting());
  if (card) prepare(card);
  stage.focus({ preventScroll: true });
}

function waiting() {
  if (exhausted) return done.content.cloneNode(true);
  const words = document.createElement("p");
  words.className = "soft";
  words.textContent = "The next card is coming …";
  return words;
}

function prepare(card) {
  for (const button of card.querySelectorAll("[data-key]")) button.setAttribute("aria-keyshortcuts", button.dataset.key);
  card.querySelector("[data-find]").hidden = false;
  writeTimes(card);
}

function say(words) {
  told.textContent = words;
  refused.hidden = true;
}

function refuse(words) {
  told.textContent = "";
  refused.textContent = words;
  refused.hidden = false;
}

// What travels.

async function ask(address, body) {
  const answer = await fetch(address, { method: body ? "POST" : "GET", body, headers: { Accept: "application/json" } });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.detail ?? `the aggregator answered with status ${answer.status}`);
  return content;
}

function held() {
  return [...[shown, ...ahead].filter(Boolean).map(windowOf), ...onTheirWay];
}

function address(of, extra = []) {
  const parts = extra.map((window) => ["beside", window]);
  if (stage.dataset.second) parts.push(["second", "1"]);
  return `${of}?${new URLSearchParams(parts)}`;
}

function take(content) {
  if (content.progress) progress.innerHTML = content.progress;
  if (!content.card) {
    exhausted = true;
  } else {
    exhausted = false;
    const card = element(content.card);
    if (held().includes(windowOf(card))) return;
    for (const picture of card.querySelectorAll("img")) new Image().src = picture.src;
    ahead.push(card);
  }
  if (!shown) show(ahead.shift() ?? null);
}

// One after the other: an undo must not overtake the answer that it undoes.
function send(job) {
  travelling = travelling.then(job, job);
  return travelling;
}

async function fill() {
  try {
    while (ahead.length < AHEAD && !exhausted) take(await ask(address(stage.dataset.next, held())));
  } catch (error) {
    refuse(`The next card did not come: ${error.message}`);
  }
}

function answer(said) {
  const card = shown;
  if (!card) return;
  const body = new URLSearchParams(new FormData(card));
  body.set("said", said);
  onTheirWay.add(windowOf(card));
  show(ahead.shift() ?? null);
  say("");
  send(async () => {
    for (const window of held()) body.append("beside", window);
    try {
      const content = await ask(stage.dataset.answer, body);
      say(content.told);
      take(content);
      onTheirWay.delete(windowOf(card));
      await fill();
    } catch (error) {
      onTheirWay.delete(windowOf(card));
      if (shown) ahead.unshift(shown);
      show(card);
      refuse(`That answer was not kept: ${error.message}`);
    }
  });
}

function undo() {
  // The form to sign out is on every page, also when no card is.
  const body = new URLSearchParams({ csrf_token: document.querySelector("[name=csrf_token]").value });
  send(async () => {
    try {
      const content = await ask(stage.dataset.undo, body);
      progress.innerHTML = content.progress;
      if (content.card) {
        const card = element(content.card);
        ahead = [shown, ...ahead].filter((other) => other && windowOf(other) !== windowOf(card));
        show(card);
      }
      say(content.told);
    } catch (error) {
      refuse(`That was not undone: ${error.message}`);
    }
  });
}

// Keys and clicks.

function press(button) {
  if (button?.type === "checkbox") button.checked = !button.checked;
  else if (!button) return false;
  else if (button.dataset.key === "u") undo();
  else if ("play" in button.dataset) button.click();
  else answer(button.value);
  return true;
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  const items = [...shown.querySelectorAll(".label-keys li")];
  for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  return items.filter((item) => !item.hidden).map((item) => item.querySelector("button"));
}

function whileFinding(event) {
  const field = event.target;
  if (event.key === "Enter") {
    event.preventDefault();
    const [first] = find(field.value);
    if (field.value.trim() && first) answer(first.value);
  } else if (event.key === "Escape") {
    field.value = "";
    find("");
    stage.focus({ preventScroll: true });
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  const target = event.target;
  if (target.matches("[data-find]")) return whileFinding(event);
  if (target.matches("select, textarea, input:not([type=checkbox])")) return;
  // Who moved the focus to a button or link means that one.
  if ((event.key === "Enter" || event.key === " ") && target.matches("button, a, summary, input")) return;
  if (event.key === "u") undo();
  else if (event.key === "?") help.open = !help.open;
  else if (event.key === "/" && shown) shown.querySelector("[data-find]").focus();
  else if (!press(stage.querySelector(`[data-key="${CSS.escape(event.key)}"]`))) return;
  event.preventDefault();
});

stage.addEventListener("input", (event) => {
  if (event.target.matches("[data-find]")) find(event.target.value);
});

stage.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter) press(event.submitter);
});

if (shown) prepare(shown);
else exhausted = true;
stage.focus({ preventScroll: true });
send(fill);
