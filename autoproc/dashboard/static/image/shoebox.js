// The pixels of one reflection, image by image, with the edge of its peak; and how its flux comes and goes.
import { colourMap, ofPage, parts } from "./colours.js";
import { drawn, element, figure } from "./elements.js";

const SIDE = 84; // pixels of the screen along the longer side of a frame

// fitted : the counts that the profile lets expect, like the box's; null where none is known
export function frames(box, fitted, colours, go) {
  const [n, slow, fast] = box.shape;
  const { low, high } = range(box);
  const map = colourMap(colours);
  const gap = parts(ofPage("--rule"));
  const over = parts(ofPage("--bad"));
  const zoom = Math.max(1, Math.floor(SIDE / Math.max(slow, fast)));
  return Array.from({ length: n }, (_, z) => {
    const pictures = [box.counts, fitted].filter(Boolean).map((values) => {
      const canvas = element("canvas", { width: fast * zoom, height: slow * zoom });
      const pen = canvas.getContext("2d");
      for (let y = 0; y < slow; y++) for (let x = 0; x < fast; x++) {
        pen.fillStyle = `rgb(${colour(values[(z * slow + y) * fast + x], box, map, gap, over, low, high)})`;
        pen.fillRect(x * zoom, y * zoom, zoom, zoom);
      }
      edge(pen, box, z, zoom);
      return canvas;
    });
    const image = box.first + z;
    const button = element("button", { type: "button", className: "frame", aria: { label: `Image ${image}` } }, ...pictures, element("span", { textContent: image }));
    button.addEventListener("click", () => go(image));
    return button;
  });
}

function range(box) {
  const counts = box.counts.filter((count) => count > box.overloaded).sort((a, b) => a - b);
  return { low: Math.min(counts[0] ?? 0, 0), high: Math.max(counts[Math.floor(counts.length * 0.995)] ?? 1, 3) };
}

function colour(count, box, map, gap, over, low, high) {
  if (count === box.untrusted) return gap;
  if (count === box.overloaded) return over;
  const at = 4 * Math.round(255 * Math.min(Math.max((count - low) / (high - low), 0), 1));
  return [map[at], map[at + 1], map[at + 2]];
}

// The border between peak and background.
function edge(pen, box, z, zoom) {
  const [, slow, fast] = box.shape;
  const isPeak = (x, y) => x >= 0 && y >= 0 && x < fast && y < slow && box.peak[(z * slow + y) * fast + x] === 1;
  pen.strokeStyle = ofPage("--c1");
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let y = 0; y <= slow; y++) for (let x = 0; x <= fast; x++) {
    if (isPeak(x, y) !== isPeak(x - 1, y)) line(pen, x, y, x, y + 1, zoom);
    if (isPeak(x, y) !== isPeak(x, y - 1)) line(pen, x, y, x + 1, y, zoom);
  }
  pen.stroke();
}

function line(pen, x0, y0, x1, y1, zoom) {
  pen.moveTo(x0 * zoom, y0 * zoom);
  pen.lineTo(x1 * zoom, y1 * zoom);
}

// Counts above background of each image as bars, and what the mosaicity lets expect as a line. Of one image, which is
// no curve, the count alone.
export function rockingCurve(rocking, first) {
  const { measured, expected } = rocking;
  if (measured.length < 2) return element("p", { className: "quiet", textContent: `${figure(measured[0] ?? 0)} counts above background, all on image ${first}.` });
  const [width, height] = [240, 70];
  const most = Math.max(...measured, ...(expected ?? []), 1);
  const least = Math.min(...measured, 0);
  const place = (value) => height - ((value - least) / (most - least)) * (height - 4);
  const step = width / measured.length;
  const bars = measured.map((value, n) => drawn("rect", {
    x: n * step + 1, width: Math.max(step - 2, 1), y: Math.min(place(value), place(0)), height: Math.abs(place(value) - place(0)), class: "bar",
  }, drawn("title", {}, `image ${first + n}: ${figure(value)}`)));
  const points = (expected ?? []).map((value, n) => `${(n + 0.5) * step},${place(value)}`).join(" ");
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "rocking", role: "img", "aria-label": "Counts above background by image" }, ...bars);
  if (expected) picture.append(drawn("polyline", { points, class: "expected" }));
  return picture;
}
