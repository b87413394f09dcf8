// Writes every <time> in the reader's zone and keeps "3 s ago" true.
const serverMs = Number(document.querySelector('meta[name="server-ms"]')?.content);
// Clocks differ, and only the server's made the times on the page.
const offsetMs = serverMs ? serverMs - Date.now() : 0;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortClock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function ago(seconds) {
  if (seconds < 1.5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function moment(date, now) {
  const isToday = date.toDateString() === now.toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

function write(element, now) {
  const date = new Date(element.dateTime);
  const seconds = Math.max(0, (now - date) / 1000);
  const texts = {
    ago: () => ago(seconds),
    clock: () => moment(date, now),
    both: () => `${moment(date, now)} · ${ago(seconds)}`,
  };
  const text = (texts[element.dataset.form] ?? texts.clock)();
  if (element.textContent !== text) element.textContent = text;
  if (!element.dataset.upgraded) {
    element.dataset.upgraded = "yes";
    element.title = full.format(date);
  }
}

export function writeTimes(root = document) {
  const now = new Date(Date.now() + offsetMs);
  for (const element of root.querySelectorAll("time")) write(element, now);
}

for (const text of document.querySelectorAll("[data-clock]")) {
  const date = new Date(text.dataset.clock);
  text.textContent = text.dataset.span === "week" ? day.format(date) : shortClock.format(date);
}
writeTimes();
setInterval(writeTimes, 1000);
