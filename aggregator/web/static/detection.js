// Shows the spectrogram as soon as its features have come.
import { listen } from "./stream.js";

const waiting = document.querySelector("section[data-waits]");
if (waiting) {
  const mine = Number(waiting.dataset.waits);
  listen(waiting.dataset.events, ({ windows }) => {
    if (windows.some(({ detection }) => detection === mine)) location.reload();
  });
}
