// The report's charts drawn anew by uPlot, in place of the server's drawings: hover, zoom, cursors that move together.
import { draw } from "./chart.js";

const IMAGE = "image number"; // the x label of all charts that share a cursor

/** address : of the numbers; here : of the page of the sweep whose images are linked, or "" for none */
export async function enliven(address, here) {
  const answer = await fetch(address);
  if (!answer.ok) return; // the drawings stay
  const { sections } = await answer.json();
  const byImage = { key: "image", toImage: here ? (image) => `${here}/images?image=${image}` : null };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      const { chart } = sections[target.dataset.section].figures[target.dataset.figure];
      replace(target, chart, chart.x_label === IMAGE ? byImage : null);
    }
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    const found = sections[figure.dataset.section]?.figures[figure.dataset.figure];
    if (found?.chart) seen.observe(figure);
  }
}

function replace(figure, chart, linked) {
  const drawing = figure.querySelector(".drawing");
  const title = figure.querySelector("figcaption").firstChild.textContent.trim();
  if (draw(drawing, chart, title, linked)) figure.classList.add("alive");
}
