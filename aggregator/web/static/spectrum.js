// A spectrogram that scrolls along with what is heard.
const COLUMN_MS = 20;
const SHOWN_HZ = 8000;

export function draw(canvas, analyser) {
  const palette = canvas.dataset.palette;
  const colours = Array.from({ length: 256 }, (_, at) =>
    [0, 2, 4].map((part) => parseInt(palette.slice(6 * at + part, 6 * at + part + 2), 16)),
  );
  const brush = canvas.getContext("2d", { alpha: false });
  // The loudspeaker may be able to play more than there is in the sound.
  const shown = Math.min(1, SHOWN_HZ / (analyser.context.sampleRate / 2));
  const all = new Uint8Array(analyser.frequencyBinCount);
  const levels = all.subarray(0, Math.round(all.length * shown));
  const column = brush.createImageData(1, levels.length);
  canvas.height = levels.length;
  paint(brush, colours[0], canvas);
  let last = performance.now();
  let frame = requestAnimationFrame(next);

  function next(now) {
    const columns = Math.min(canvas.width, Math.floor((now - last) / COLUMN_MS));
    if (columns > 0) {
      last += columns * COLUMN_MS;
      if (now - last > 1000) last = now;
      analyser.getByteFrequencyData(all);
      levels.forEach((level, bin) => {
        const at = 4 * (levels.length - 1 - bin);
        column.data.set(colours[level], at);
        column.data[at + 3] = 255;
      });
      brush.drawImage(canvas, -columns, 0);
      for (let back = 1; back <= columns; back++) brush.putImageData(column, canvas.width - back, 0);
    }
    frame = requestAnimationFrame(next);
  }

  return () => cancelAnimationFrame(frame);
}

function paint(brush, [red, green, blue], { width, height }) {
  brush.fillStyle = `rgb(${red} ${green} ${blue})`;
  brush.fillRect(0, 0, width, height);
}
