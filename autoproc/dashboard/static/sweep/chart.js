// One chart of the report (reports/chart_data.py) as a uPlot.
import uPlot from "../uplot/uPlot.esm.js";
import { axes } from "./axes.js";
import { colour, whenColoursChange } from "./palette.js";
import { listen } from "./keys.js";

const DASHES = [[], [7, 3], [2, 2.5], [9, 3, 2, 3], [12, 4], []]; // as the server's drawings have them
const FILLED = new Set(["area", "band"]);
const HEIGHT = 270;

/** Draw into an element, in place of what is there.
 *  linked : of charts of which a point leads somewhere: { key, kind, leads } for the cursor that they share, what is
 *  opened, and the way there from x as { href, words }; null for others
 *  Returns a function that shows other numbers in the same chart; false where it cannot be drawn: x must ascend. */
export function draw(element, chart, title, linked) {
  if (!chart.series.length || !chart.series.every((series) => ascends(series.x))) return false;
  const box = document.createElement("div");
  box.className = ["plot", linked?.key && "by-image", linked?.leads && "leads"].filter(Boolean).join(" ");
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", `${title}: ${chart.y_label} against ${chart.x_label}. Left and right arrow keys move the cursor, plus and minus zoom, 0 shows all${linked?.leads ? `, enter opens ${linked.kind}` : ""}.`);
  const width = Math.max(200, element.clientWidth);
  element.replaceChildren(box);
  const make = (size) => new uPlot(options(chart, size, linked), data(chart), box);
  let plot = make(width);
  const link = linked?.leads ? linkUnderCursor(box, element, chart, linked.leads) : null;
  listen(box, () => plot, link);
  new ResizeObserver(() => {
    const now = Math.max(200, element.clientWidth);
    if (now !== plot.width) plot.setSize({ width: now, height: HEIGHT });
  }).observe(element);
  whenColoursChange(() => { plot.destroy(); plot = make(Math.max(200, element.clientWidth)); });
  return (other) => {
    const { min, max } = plot.scales.x, x = plot.data[0];
    const isWhole = min === null || min === undefined || (min <= x[0] && max >= x.at(-1));
    Object.assign(chart, other);
    plot.setData(data(chart), isWhole); // who has zoomed in stays where they are
    if (!isWhole) plot.setScale("x", { min, max });
  };
}

function ascends(x) {
  return x.every((value, n) => value !== null && (n === 0 || value > x[n - 1]));
}

function data(chart) {
  const tables = [];
  for (const { x, y, y2 } of chart.series) tables.push(y2 ? [x, y, y2] : [x, y]);
  return uPlot.join(tables);
}

function options(chart, width, linked) {
  const series = [xSeries(chart)], bands = [];
  for (const one of chart.series) {
    series.push(ySeries(one));
    if (one.y2) {
      series.push({ ...ySeries({ ...one, label: "" }), fill: undefined });
      bands.push({ series: [series.length - 2, series.length - 1], fill: colour(one.colour, 0.3) });
    }
  }
  return {
    width, height: HEIGHT, series, bands, axes: axes(chart),
    scales: { x: { time: false }, y: { range: (u, low, high) => yRange(chart, low, high) } },
    cursor: {
      y: false, drag: { x: true, y: false }, focus: { prox: 24 }, // a height says nothing on the other plots
      move: (u, left, top) => [onPoint(u, left), top],
      ...(linked?.key ? { sync: { key: linked.key, scales: ["x", null] } } : {}),
    },
    focus: { alpha: 0.35 },
    legend: { live: true },
    hooks: { draw: [(u) => drawMarks(u, chart.marks)] },
  };
}

/** The place of the point that is told, so that the line stands on it. */
function onPoint(u, left) {
  if (left < 0) return left;
  const x = u.data[0][u.posToIdx(left)];
  return x === undefined || x === null ? left : u.valToPos(x, "x");
}

function xSeries(chart) {
  const shown = chart.resolution ? (v) => (v > 0 ? `${(v ** -0.5).toFixed(2)} Å` : "") : (v) => `${+v.toPrecision(6)}`;
  const label = chart.resolution ? "d" : chart.x_label === "image number" ? "image" : chart.x_label;
  return { label, value: (u, v) => (v === null || v === undefined ? "–" : shown(v)) };
}

function ySeries(one) {
  const isFilled = FILLED.has(one.kind), isPoints = one.kind === "points";
  return {
    label: one.label || "value", stroke: isFilled ? colour(one.colour, 0.6) : colour(one.colour),
    width: isPoints ? 0 : isFilled ? 1 : 1.8, dash: DASHES[one.colour % DASHES.length],
    fill: one.kind === "area" ? colour(one.colour, 0.3) : undefined,
    paths: isPoints ? () => null : undefined,
    points: { show: isPoints || one.kind === "both", size: 6, fill: colour(one.colour) },
    value: (u, v) => (v === null || v === undefined ? "–" : `${+v.toPrecision(4)}`),
  };
}

function yRange(chart, low, high) {
  const [fixedLow, fixedHigh] = chart.y_limits;
  if (low === null) [low, high] = [0, 1];
  for (const mark of chart.marks) {
    if (mark.along === "y" && chart.series.length === 0) [low, high] = [Math.min(low, mark.value), Math.max(high, mark.value)];
  }
  const span = high - low || Math.abs(low) || 1;
  return [fixedLow ?? low - 0.04 * span, fixedHigh ?? high + 0.06 * span];
}

function drawMarks(u, marks) {
  const { ctx, bbox } = u, scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("soft");
  ctx.lineWidth = scale;
  ctx.setLineDash([2 * scale, 3 * scale]);
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  for (const { value, label, along } of marks) {
    const { min, max } = u.scales[along];
    if (value < min || value > max) continue;
    const at = u.valToPos(value, along, true), isX = along === "x";
    ctx.beginPath();
    ctx.moveTo(isX ? at : bbox.left, isX ? bbox.top : at);
    ctx.lineTo(isX ? at : bbox.left + bbox.width, isX ? bbox.top + bbox.height : at);
    ctx.stroke();
    if (!label) continue;
    const isRight = isX && at > bbox.left + 0.6 * bbox.width;
    ctx.textAlign = isRight ? "right" : "left";
    ctx.fillText(label, isX ? at + (isRight ? -5 : 5) * scale : bbox.left + 5 * scale, isX ? bbox.top + 0.55 * bbox.height : at - 4 * scale);
  }
  ctx.restore();
}

/** The curve of several sweeps' that is nearest to the cursor: { sweep, label }; sweep is null where all are of one. */
function nearest(plot, chart, idx) {
  if (new Set(chart.series.map((one) => one.sweep)).size < 2) return { sweep: null, label: "" };
  const off = (n) => {
    const y = plot.data[n + 1][idx];
    return y === null || y === undefined ? Infinity : Math.abs(plot.valToPos(y, "y") - plot.cursor.top);
  };
  const order = chart.series.map((one, n) => n).sort((a, b) => off(a) - off(b)); // no bands in these charts
  return chart.series[order[0]];
}

/** The way from what is under the cursor: a link that says where it leads, and a click on the plot. */
function linkUnderCursor(box, element, chart, leads) {
  const link = document.createElement("a");
  link.className = "way";
  element.append(link);
  const follow = (plot) => {
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) return;
    const way = leads(plot.data[0][idx], nearest(plot, chart, idx));
    link.textContent = way?.words ?? "";
    if (way) link.href = way.href;
    else link.removeAttribute("href");
  };
  let pressed = null;
  box.addEventListener("mousedown", (event) => { pressed = [event.clientX, event.clientY]; });
  box.addEventListener("click", (event) => {
    if (!event.target.closest(".u-over") || !link.href || !pressed) return;
    if (Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < 4) location.href = link.href;
  });
  return { follow, open: () => { if (link.href) location.href = link.href; } };
}
