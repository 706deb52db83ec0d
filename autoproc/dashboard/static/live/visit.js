// Panels of the sweeps that are being collected, above the list of all.
import { charts, latest } from "./charts.js";
import { fill } from "./panel.js";
import { poll } from "./poll.js";
import { spark } from "./spark.js";

const PAUSE = 2000; // milliseconds: the page has other news besides

const place = document.querySelector("#live"), model = document.querySelector("#live-panel");
const panels = new Map();

function added(key) {
  const panel = model.content.cloneNode(true).firstElementChild;
  place.append(panel);
  panels.set(key, panel);
  return panel;
}

function show({ sweeps }) {
  const keys = new Set(sweeps.map(({ key }) => key));
  for (const [key, panel] of panels) if (!keys.has(key)) { panel.remove(); panels.delete(key); }
  for (const facts of sweeps) {
    const panel = panels.get(facts.key) ?? added(facts.key);
    fill(panel, facts);
    panel.querySelector("[data-part=sparks]").replaceChildren(...charts(facts).map((one) => figure(one, facts.dark)));
  }
  place.hidden = !sweeps.length;
}

function figure(one, dark) {
  const box = document.createElement("figure"), caption = document.createElement("figcaption"), value = document.createElement("b");
  const now = latest(one);
  value.textContent = now === null ? "–" : `${+now.toPrecision(3)}${one.unit ?? ""}`;
  caption.append(`${one.title} `, value);
  box.append(caption, spark(one.chart, dark));
  return box;
}

const isComing = () => panels.size > 0 || document.querySelector("#arriving tr") !== null;
poll("/api/live", PAUSE, { changed: show, gone: () => {}, lost: () => {} }, isComing);
