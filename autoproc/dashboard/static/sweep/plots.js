// The report's charts drawn anew by uPlot, in place of the server's drawings: hover, zoom, cursors that move together.
import { IMAGE } from "./axes.js";
import { draw } from "./chart.js";
import { listenToMap } from "./map.js";


/** address : of the numbers; here : of the page of the sweep whose images are linked, or "" for none */
export async function enliven(address, here) {
  const answer = await fetch(address);
  if (!answer.ok) return; // the drawings stay
  const { sections } = await answer.json();
  const byImage = { key: "image", kind: "the image", leads: here ? (x, series) => toImage(here, x, series) : null };
  const shells = here ? shellsIn(sections) : [];
  const byShell = { kind: "the reflections there", leads: shells.length ? (x) => toShell(here, shells, x) : null };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      const { chart } = sections[target.dataset.section].figures[target.dataset.figure];
      replace(target, chart, chart.x_label === IMAGE ? byImage : chart.resolution ? byShell : null);
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll("svg.map").forEach(listenToMap);
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    const found = sections[figure.dataset.section]?.figures[figure.dataset.figure];
    if (found?.chart) seen.observe(figure);
  }
}

function toImage(here, x, { sweep, label }) {
  const image = Math.round(x);
  const of = sweep ? `&sweep=${sweep}` : "";
  return { href: `${here}/images?image=${image}${of}`, words: `open image ${image}${sweep === null ? "" : ` of ${label}`}` };
}

// Resolution shells, from the rows of the table that lead to their reflections: { view, from, to }, 1/d².
function shellsIn(sections) {
  const views = sections.flatMap((section) => section.tables).flatMap((table) => table.views ?? []);
  return views.flatMap((view) => {
    const d = new URLSearchParams(view).get("d")?.split(",").map(Number);
    return d?.length === 2 && d.every((one) => one > 0) ? [{ view, d, from: d[0] ** -2, to: d[1] ** -2 }] : [];
  });
}

function toShell(here, shells, x) {
  const shell = shells.find(({ from, to }) => x >= from && x <= to);
  return shell ? { href: `${here}/images?${shell.view}`, words: `reflections from ${shell.d.map((d) => d.toFixed(2)).join(" to ")} Å` } : null;
}

function replace(figure, chart, linked) {
  const drawing = figure.querySelector(".drawing");
  const title = figure.querySelector("figcaption").firstChild.textContent.trim();
  if (draw(drawing, chart, title, linked)) figure.classList.add("alive");
}
