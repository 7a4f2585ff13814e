"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const strips = document.getElementById("strips");
  const slider = document.getElementById("rate");
  const shown = document.getElementById("shown");
  const scale = Math.max(1, Math.round(90 / data.width));
  const MOSAIC = 2;
  const FAR = Math.log(1.25);

  const size = () => Number(document.querySelector("input[name=size]:checked").value);

  function row(title, ours) {
    const strip = document.createElement("div");
    strip.className = ours ? "strip ours" : "strip";
    const words = document.createElement("div");
    const name = document.createElement("b");
    const note = document.createElement("small");
    const picture = document.createElement("img");
    name.textContent = title;
    picture.alt = title;
    picture.style.maxWidth = data.width * data.count * scale + "px";
    words.append(name, note);
    strip.append(words, picture);
    strips.append(strip);
    return { strip, note, picture };
  }

  const first = row("Originals", false);
  first.picture.src = data.originals;
  first.note.textContent = "as they are";
  const rows = data.lines.map((line) => row(line.title, line.ours));

  // The slider runs over the logarithms of all lossy rates that are counted this way.
  function range(which) {
    const rates = data.lines.flatMap((line) =>
      line.lossless ? [] : line.points.map((point) => point.bpp[which]));
    const all = rates.length ? rates : data.lines.flatMap((l) => l.points.map((p) => p.bpp[which]));
    return [Math.log(Math.min(...all)), Math.log(Math.max(...all))];
  }

  function show() {
    const which = size();
    const [low, high] = range(which);
    const wanted = low + (high - low) * slider.value / slider.max;
    const bytes = Math.exp(wanted) * data.width * data.height / 8;
    shown.textContent = `${Math.exp(wanted).toFixed(3)} bpp · ${bytes.toFixed(0)} B`;
    data.lines.forEach((line, i) => {
      const gap = (point) => Math.abs(Math.log(point.bpp[which]) - wanted);
      const best = line.points.reduce((a, b) => (gap(b) < gap(a) ? b : a));
      const seen = which === MOSAIC && best.mosaic ? best.mosaic : best;
      const quality = seen.psnr >= 99 ? "lossless" : `${seen.psnr.toFixed(2)} dB`;
      const known = seen.accuracy === null ? "" : ` · ${(100 * seen.accuracy).toFixed(1)} %`;
      rows[i].note.textContent =
        `${best.bpp[which].toFixed(3)} bpp · ${quality}${known}\n${line.unit} ${best.label}`;
      rows[i].picture.src = seen.images;
      rows[i].strip.classList.toggle("far", gap(best) > FAR);
    });
  }

  // Begin where a codec of the package has a point, so that there is something to compare.
  function begin() {
    const ours = data.lines.find((line) => line.ours);
    if (!ours) return;
    const [low, high] = range(size());
    const middle = ours.points[Math.floor(ours.points.length / 2)].bpp[size()];
    slider.value = slider.max * (Math.log(middle) - low) / (high - low);
  }

  slider.addEventListener("input", show);
  document.querySelectorAll("input[name=size]").forEach((each) =>
    each.addEventListener("change", show));
  begin();
  show();
})();
