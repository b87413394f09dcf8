// Fetches a part of a page as it is now, and says when there was no answer for a while.
import { element } from "./morph.js";

const WORRY_AFTER = 4;

const line = document.querySelector("[data-line]");
let failures = 0;

export async function refresh(address, show) {
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
