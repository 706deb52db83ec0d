// The spots that no lattice has, at a glance: down the axes of a lattice, by resolution beside the rings of ice, and by
// what their indices are off whole numbers.
import { lookDown, matrixOf } from "./orientation.js";
import { residues } from "./models.js";
import { colour, css } from "./palette.js";

const ORDERS = 24; // of the longest reciprocal axis that is seen from the middle to the edge
const SHADES = 32;
const BINS = 120;
const ON_ICE = 0.002; // 1/Angstrom^2, half the width of a ring
const FINE = 0.0005; // 1/Angstrom^2, a step of the table of what is on ice
const STILL = 250; // ms without a change before the figures are drawn again
const RESOLUTIONS = [0.5, 0.6, 0.7, 0.8, 1, 1.3, 1.5, 1.7, 2, 2.5, 4]; // Angstrom, the finest first: on the scale they lie widest apart
const APART = 8; // px between words below a plot
const NEAR = 0.2; // of an index: near a point of the lattice; spots anywhere are so by NEAR_BY_CHANCE
const NEAR_BY_CHANCE = (2 * NEAR) ** 3;

export class Glance {
  constructor(place, message) {
    Object.assign(this, { place, message });
    const { lattice } = message.columns;
    this.lost = Uint32Array.from(lattice.keys()).filter((i) => lattice[i] < 0);
    this.several = message.facts.sweeps.length > 1;
    place.hidden = !this.lost.length || !message.facts.lattices.length;
  }

  // When what is changed stays as it is: the points themselves go first.
  soon(chosen, state) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.draw(chosen, state), STILL);
  }

  draw(chosen, { of }) {
    const key = `${chosen.placed} ${of} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
    if (this.place.hidden || key === this.drawn) return;
    this.drawn = key;
    const { A } = this.message.facts.lattices[of];
    const rlp = picked(chosen.rlp, this.beside(of)), off = residues(rlp, A);
    const axes = [0, 1, 2].map((i) => A.map((row) => row[i]));
    const reach = ORDERS * Math.max(...axes.map((axis) => Math.hypot(...axis)));
    const edge = Math.min(reach, 1 / this.message.facts.d_fit);
    for (const canvas of this.place.querySelectorAll("canvas[data-down]")) {
      const i = Number(canvas.dataset.down);
      density(fitted(canvas), rlp, matrixOf(lookDown(axes[i], axes[(i + 1) % 3])), edge);
    }
    this.byResolution(chosen);
    this.byResidue(off);
    this.say(chosen, off, of);
  }

  // Those that a lattice could have: of its own sweep, for another sweep may be of another crystal.
  beside(of) {
    const { facts, columns } = this.message;
    return this.several ? this.lost.filter((i) => columns.sweep[i] === facts.lattices[of].sweep) : this.lost;
  }

  byResolution(chosen) {
    const { facts, columns } = this.message, most = 1.05 / facts.d_fit ** 2;
    const lost = new Float32Array(BINS), found = new Float32Array(BINS);
    for (let i = 0; i < facts.n; i++) {
      const bin = Math.floor((chosen.length[i] ** 2 / most) * BINS);
      if (bin < BINS) (columns.lattice[i] < 0 ? lost : found)[bin]++;
    }
    const plot = new Plot(this.place.querySelector("canvas[data-by=resolution]"));
    for (const d of facts.ice) if (1 / d ** 2 < most) plot.upright(1 / d ** 2 / most, "--c3");
    plot.steps(lost, Math.max(...lost), "--c5");
    plot.curve(found, Math.max(...found), "--c0");
    plot.wordsApart(RESOLUTIONS.filter((d) => 1 / d ** 2 < most).map((d) => [`${d} Å`, 1 / d ** 2 / most]));
  }

  byResidue(off) {
    const plot = new Plot(this.place.querySelector("canvas[data-by=residue]"));
    const bins = [0, 1, 2].map(() => new Float32Array(50));
    for (let i = 0; i < off.length; i++) bins[i % 3][Math.min(Math.floor((off[i] + 0.5) * 50), 49)]++;
    const most = Math.max(...bins.map((counts) => Math.max(...counts)));
    bins.forEach((counts, i) => plot.curve(counts, most, ["--c1", "--c2", "--c0"][i]));
    for (const [value, at] of [["−½", 0.03], ["0", 0.5], ["½", 0.97]]) plot.words(value, at);
  }

  say(chosen, off, of) {
    const { facts, columns } = this.message, onIce = [0, 0], all = [0, 0];
    const isIce = iceTable(facts.ice);
    for (let i = 0; i < facts.n; i++) {
      const kind = columns.lattice[i] < 0 ? 0 : 1, s = chosen.length[i] ** 2;
      all[kind]++;
      onIce[kind] += isIce[Math.floor(s / FINE)] ?? 0;
    }
    const { name } = facts.lattices[of], whose = this.several ? `, of the spots of its sweep` : "";
    let near = 0;
    for (let i = 0; i < off.length; i += 3) {
      if (Math.abs(off[i]) < NEAR && Math.abs(off[i + 1]) < NEAR && Math.abs(off[i + 2]) < NEAR) near++;
    }
    const part = (n, total) => (total ? `${((100 * n) / total).toFixed(n / total < 0.1 ? 1 : 0)}%` : "none");
    this.place.querySelector(".figures").textContent =
      `${part(all[0], facts.n)} of all spots. On rings of ice: ${part(onIce[0], all[0])} of them, ` +
      `${part(onIce[1], all[1])} of the indexed. Near points of lattice ${name || of + 1}${whose}: ` +
      `${part(near, off.length / 3)}, ${part(NEAR_BY_CHANCE, 1)} by chance.`;
  }
}

// 1 for each step of 1/d^2 that is on a ring.
function iceTable(ice) {
  const rings = ice.map((d) => 1 / d ** 2), table = new Uint8Array((Math.max(...rings) + ON_ICE) / FINE + 1);
  for (const ring of rings) table.fill(1, Math.round((ring - ON_ICE) / FINE), Math.round((ring + ON_ICE) / FINE));
  return table;
}

function picked(rlp, which) {
  const some = new Float32Array(3 * which.length);
  which.forEach((i, k) => some.set(rlp.subarray(3 * i, 3 * i + 3), 3 * k));
  return some;
}

function fitted(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  return canvas;
}

// How many points are behind each pixel, by the logarithm, from the paper's colour to the ink's.
function density(canvas, points, [[a, b, c], [d, e, f]], edge) {
  const { width, height } = canvas, context = canvas.getContext("2d");
  const counts = new Uint16Array(width * height), scale = Math.min(width, height) / 2 / edge;
  let most = 1;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i], y = points[i + 1], z = points[i + 2];
    const column = Math.round(width / 2 + (a * x + b * y + c * z) * scale);
    const row = Math.round(height / 2 - (d * x + e * y + f * z) * scale);
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    most = Math.max(most, ++counts[row * width + column]);
  }
  const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  const shades = ramp(), strength = (SHADES - 1) / Math.log1p(Math.min(most, 12));
  counts.forEach((n, at) => (pixels[at] = shades[Math.min(Math.round(Math.log1p(n) * strength), SHADES - 1)]));
  context.putImageData(image, 0, 0);
}

function ramp() {
  const paper = colour("--paper"), ink = colour("--ink");
  return Array.from({ length: SHADES }, (_, n) => {
    const [r, g, b] = paper.map((x, k) => Math.round(x + (n / (SHADES - 1)) * (ink[k] - x)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

const FOOT = 16; // px below a plot for its words

const FONT = "11px system-ui, sans-serif";
const BEFORE = { left: 0, center: 0.5, right: 1 }; // part of a word before its place
const alignment = (at) => (at < 0.08 ? "left" : at > 0.92 ? "right" : "center");

class Plot {
  constructor(canvas) {
    fitted(canvas);
    this.context = canvas.getContext("2d");
    this.ratio = canvas.width / (canvas.clientWidth || 1);
    this.context.scale(this.ratio, this.ratio);
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight - FOOT;
  }

  path(counts, most) {
    const { context, width, height } = this, step = width / counts.length;
    context.beginPath();
    counts.forEach((n, i) => {
      const y = height - (n / (most || 1)) * (height - 4);
      context.lineTo(i * step, y);
      context.lineTo((i + 1) * step, y);
    });
  }

  steps(counts, most, name) {
    const { context, width, height } = this;
    this.path(counts, most);
    context.lineTo(width, height);
    context.lineTo(0, height);
    context.fillStyle = css(colour(name), 0.75);
    context.fill();
  }

  curve(counts, most, name) {
    this.path(counts, most);
    this.context.strokeStyle = css(colour(name));
    this.context.lineWidth = 1.5;
    this.context.stroke();
  }

  upright(at, name) {
    this.context.fillStyle = css(colour(name), 0.45);
    this.context.fillRect(at * this.width - 1, 0, 2, this.height);
  }

  // Words from the right to the left, but for those that would lie on the ones before.
  wordsApart(all) {
    this.context.font = FONT;
    let room = Infinity;
    for (const [text, at] of all) {
      const { width } = this.context.measureText(text), begin = at * this.width - width * BEFORE[alignment(at)];
      if (begin + width > room) continue;
      this.words(text, at);
      room = begin - APART;
    }
  }

  words(text, at) {
    this.context.font = FONT;
    this.context.textAlign = alignment(at);
    this.context.fillStyle = css(colour("--soft"));
    this.context.fillText(text, at * this.width, this.height + FOOT - 4);
  }
}
