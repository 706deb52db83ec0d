// What is drawn over the image: rings of resolution and of ice, the beam, the rotation axis, spots.
import { ofPage } from "./colours.js";

const RINGS = 5; // in steps of equal 1/d^2, down to the detector's nearest edge

export function drawRings(pen, view, geometry) {
  const colour = ofPage("--c0");
  const farthest = 1 / geometry.m.d_min ** 2;
  for (let n = 1; n <= RINGS; n++) {
    const d = rounded(1 / Math.sqrt((farthest * 0.9 * n) / RINGS));
    closedLine(pen, view, geometry.ring(d), colour, 1, `${d} Å`);
  }
}

const rounded = (d) => (d > 10 ? Math.round(d) : d > 3 ? Math.round(d * 10) / 10 : Math.round(d * 100) / 100);

export function drawIce(pen, view, geometry) {
  const { inverse_d2: rings } = geometry.facts.ice;
  for (const inverse of rings) closedLine(pen, view, geometry.ring(1 / Math.sqrt(inverse)), ofPage("--c3"), 1.5, "");
}

// Where the reflections are that were asked for: a part of the detector, or a shell of resolution.
export function drawListed(pen, view, geometry, { region, d }) {
  const [x0, x1, y0, y1] = region.split(",").map(Number);
  const colour = ofPage("--c1");
  if (Number.isFinite(x0 + x1 + y0 + y1)) closedLine(pen, view, [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], colour, 2, "");
  for (const edge of d ? d.split(",").map(Number) : []) if (edge > 0) closedLine(pen, view, geometry.ring(edge), colour, 1.5, "");
}

function closedLine(pen, view, points, colour, width, words) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  let isOn = false;
  let label = null;
  for (const px of points) {
    if (!px) { isOn = false; continue; }
    const at = view.toScreen(px);
    if (isOn) pen.lineTo(...at); else pen.moveTo(...at);
    isOn = true;
    const isInside = at[0] > 30 && at[0] < view.width - 30 && at[1] > 14 && at[1] < view.height - 14;
    if (isInside && (!label || at[1] < label[1])) label = at;
  }
  pen.stroke();
  if (words && label) write(pen, words, label, colour);
}

export function write(pen, words, [x, y], colour) {
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 4;
  pen.strokeStyle = ofPage("--paper");
  pen.strokeText(words, x, y);
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}

// Indices beside reflections, where none is written yet.
export class Labels {
  constructor(pen) {
    this.pen = pen;
    this.taken = new Set();
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.textBaseline = "middle";
  }

  write(words, [x, y]) {
    const places = [0, 24, 48].map((more) => `${Math.round((x + more) / 24)},${Math.round(y / 13)}`);
    if (places.some((place) => this.taken.has(place))) return;
    places.forEach((place) => this.taken.add(place));
    this.pen.fillText(words, x, y);
  }
}

export function drawBeam(pen, view, geometry) {
  const [x, y] = view.toScreen(geometry.m.beam_px);
  pen.strokeStyle = ofPage("--bad");
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    pen.moveTo(x + dx * 4, y + dy * 4);
    pen.lineTo(x + dx * 14, y + dy * 14);
  }
  pen.stroke();
}

export function drawAxis(pen, view, geometry) {
  const line = geometry.rotationAxis();
  if (!line || line.includes(null)) return;
  const [from, to] = line.map((px) => view.toScreen(px));
  pen.strokeStyle = ofPage("--c2");
  pen.lineWidth = 1.5;
  pen.setLineDash([8, 5]);
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
  pen.setLineDash([]);
}
