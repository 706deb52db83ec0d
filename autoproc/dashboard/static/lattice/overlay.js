// Lines and words over the points: axes, the reciprocal cell, shells of ice and of resolution.
import { applied, length, scaled, sum, transposed } from "./matrix.js";
import { colour, css } from "./palette.js";
import { onScreen } from "./camera.js";

const AXES = ["--c1", "--c2", "--c0"];
const STARRED = ["a*", "b*", "c*"];
const SHELLS = [40, 20, 10, 8, 6, 5, 4, 3.5, 3, 2.5, 2.2, 2, 1.8, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6];
const CLOSEST = 46; // px between shells of resolution
const AXIS = 1.05; // the rotation axis is drawn almost as far out as spots are
const INSET = 44; // px of the cross of the laboratory's axes in the corner
const CORNER = 64;

export function drawOverlay(context, camera, { state, basis, ice, axis, chosen, ratio }) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, camera.width, camera.height);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  if (state.axes && !state.fold) resolutionShells(context, camera);
  if (state.ice && !state.fold) ice.forEach((d) => shell(context, camera, d, css(colour("--c3"), 0.6)));
  if (basis && (state.cell || state.fold)) cellEdges(context, camera, basis, state.fold);
  if (basis && state.axes) basis.forEach((vector, i) => reciprocalAxis(context, camera, vector, i));
  if (state.axes && axis) rotationAxis(context, camera, axis);
  if (state.axes && state.frame === "laboratory") laboratoryAxes(context, camera);
  if (chosen) ring(context, onScreen(camera, chosen));
}

function shell(context, camera, d, style) {
  context.strokeStyle = style;
  context.lineWidth = 1;
  context.beginPath();
  context.arc(camera.x, camera.y, camera.scale / d, 0, 2 * Math.PI);
  context.stroke();
}

function resolutionShells(context, camera) {
  let last = 0;
  for (const d of SHELLS) {
    const radius = camera.scale / d;
    if (radius - last < CLOSEST || radius > 2 * Math.max(camera.width, camera.height)) continue;
    last = radius;
    shell(context, camera, d, css(colour("--soft"), 0.28));
    const at = [camera.x + radius * Math.SQRT1_2, camera.y + radius * Math.SQRT1_2];
    words(context, `${d} Å`, ...at, "--soft", "center");
  }
}

function cellEdges(context, camera, basis, centred) {
  const [a, b, c] = basis;
  context.strokeStyle = css(colour("--ink"), 0.75);
  context.lineWidth = 1.25;
  const start = centred ? scaled(sum(a, b, c), -0.5) : [0, 0, 0];
  for (const [along, first, second] of [[a, b, c], [b, c, a], [c, a, b]]) {
    for (const [i, j] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
      const from = sum(start, scaled(first, i), scaled(second, j));
      line(context, onScreen(camera, from), onScreen(camera, sum(from, along)));
    }
  }
}

function reciprocalAxis(context, camera, vector, i) {
  const [x, y] = onScreen(camera, vector), seen = Math.hypot(x - camera.x, y - camera.y);
  context.strokeStyle = css(colour(AXES[i]));
  context.lineWidth = 2.5;
  line(context, [camera.x, camera.y], [x, y]);
  const beyond = seen > 1 ? 14 / seen : 0;
  words(context, STARRED[i], x + (x - camera.x) * beyond, y + (y - camera.y) * beyond, AXES[i], "center", "bold ");
}

function laboratoryAxes(context, camera) {
  const middle = [CORNER, camera.height - CORNER];
  transposed(camera.rows).forEach(([right, up], i) => {
    const end = [middle[0] + INSET * right, middle[1] - INSET * up];
    context.strokeStyle = css(colour("--soft"));
    context.lineWidth = 1.5;
    line(context, middle, end);
    words(context, "XYZ"[i], middle[0] + 1.22 * INSET * right, middle[1] - 1.22 * INSET * up, "--soft", "center");
  });
}

function rotationAxis(context, camera, axis) {
  const ends = [-1, 1].map((way) => onScreen(camera, scaled(axis, (way * camera.extent) / AXIS)));
  context.strokeStyle = css(colour("--ink"), 0.5);
  context.lineWidth = 1;
  context.setLineDash([7, 4]);
  line(context, ...ends);
  context.setLineDash([]);
  if (Math.hypot(ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]) < CLOSEST) return;
  words(context, "rotation axis", ends[1][0], ends[1][1] - 10, "--soft", ends[1][0] > camera.x ? "right" : "left");
}

function ring(context, [x, y]) {
  for (const [width, name] of [[5, "--paper"], [2, "--ink"]]) {
    context.strokeStyle = css(colour(name));
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.stroke();
  }
}

function line(context, [x0, y0], [x1, y1]) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

// Legible over whatever is there: edged in the colour of the paper.
function words(context, text, x, y, name, align, weight = "") {
  context.font = `${weight}12px system-ui, sans-serif`;
  context.textAlign = align;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = css(colour("--paper"), 0.85);
  context.strokeText(text, x, y);
  context.fillStyle = css(colour(name));
  context.fillText(text, x, y);
}

// The reciprocal axes of a lattice as three vectors; where lattices are shown each in its crystal's frame, there.
export function basisOf(lattice, inItsFrame, inverse) {
  const vectors = transposed(lattice.A);
  return inItsFrame ? vectors.map((vector) => applied(inverse(lattice.U), vector)) : vectors;
}

export const longest = (basis) => Math.max(...basis.map(length));
