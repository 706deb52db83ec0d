// The page of a sweep that is being collected: it changes as images come, and leads on when they are all there.
import { draw } from "../sweep/chart.js";
import { charts } from "./charts.js";
import { fill } from "./panel.js";
import { poll } from "./poll.js";

const PAUSE = 1000; // milliseconds: as often as it is written

const panel = document.querySelector(".live"), place = document.querySelector("#charts");
const { key } = panel.dataset;
const shown = new Map();
let sweep = "";

function figure({ key: name, title, chart }) {
  const box = document.createElement("figure"), caption = document.createElement("figcaption"), drawing = document.createElement("div");
  caption.textContent = title;
  box.append(caption, drawing);
  place.append(box);
  const show = draw(drawing, chart, title, { key: "image", kind: "the image", leads: null });
  if (show) shown.set(name, show);
  else box.remove();
}

function changed(facts) {
  sweep = facts.sweep;
  fill(panel, facts);
  if (!facts.curves.image.length) return;
  for (const one of charts(facts)) {
    if (shown.has(one.key)) shown.get(one.key)(one.chart);
    else figure(one);
  }
}

function gone() {
  const over = document.querySelector("#over");
  over.hidden = false;
  if (sweep) over.querySelector("a").href = `/sweeps/${encodeURIComponent(sweep)}`;
}

const lost = (isLost) => { document.querySelector("#lost").hidden = !isLost; };
poll(`/api/live/${key}`, PAUSE, { changed: (facts) => { document.querySelector("#over").hidden = true; changed(facts); }, gone, lost });
