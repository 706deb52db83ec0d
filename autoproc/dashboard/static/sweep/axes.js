// Axes of a chart; that of the resolution is linear in 1/d² and labelled with d.
import { colour } from "./palette.js";

const NICE = [50, 30, 20, 15, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3.2, 3, 2.8, 2.6, 2.4, 2.2, 2, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.35, 1.3,
  1.25, 1.2, 1.15, 1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5];
export const IMAGE = "image number"; // the x label of all charts that share a cursor
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000]; // there is no half image
const APART = 44; // pixels between two labels

export function axes(chart) {
  const look = { stroke: () => colour("soft"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { stroke: () => colour("rule"), width: 1, size: 4 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 20 };
  const x = { ...look, label: chart.x_label, size: 34 };
  if (chart.x_label === IMAGE) x.incrs = WHOLE;
  if (chart.resolution) {
    x.splits = (u) => resolutions(u);
    x.values = (u, splits) => splits.map((v) => `${+(v ** -0.5).toFixed(2)}`);
  }
  return [x, { ...look, label: chart.y_label, size: 54 }];
}

function resolutions(u) {
  const { min, max } = u.scales.x, found = [];
  const perPixel = (max - min) / (u.bbox.width / devicePixelRatio);
  for (const d of NICE) {
    const at = d ** -2;
    if (at >= min && at <= max && (!found.length || at - found.at(-1) > APART * perPixel)) found.push(at);
  }
  return found.length ? found : [0.5 * (min + max)];
}
