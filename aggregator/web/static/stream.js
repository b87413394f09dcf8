// The one connection of a page to the news. Rests while the page is hidden: browsers allow only six per host.
const WORRY_AFTER_MS = 4000;
const REOPEN_AFTER_MS = 5000;

export function listen(address, onChange) {
  const line = document.querySelector("[data-line]");
  let source = null;
  let worry = null;
  let cursor = null;

  const say = (text) => {
    if (line && line.textContent !== text) line.textContent = text;
  };

  function open() {
    const target = new URL(address, location.href);
    if (cursor) target.searchParams.set("after", cursor);
    source = new EventSource(target);
    source.addEventListener("open", () => {
      clearTimeout(worry);
      worry = null;
      say("");
    });
    source.addEventListener("change", (event) => {
      cursor = event.lastEventId || cursor;
      onChange(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      // A short break mends itself; only a longer one is worth a reader's attention.
      worry ??= setTimeout(() => say("Connection lost, trying again …"), WORRY_AFTER_MS);
      // A refusal ends an EventSource for good: the session may be over, or the server busy.
      if (source.readyState === EventSource.CLOSED) setTimeout(reopen, REOPEN_AFTER_MS);
    });
  }

  function reopen() {
    source?.close();
    if (!document.hidden) open();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : reopen()));
  addEventListener("pagehide", () => source?.close());
  open();
}
