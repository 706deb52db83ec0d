// A map of the detector by keyboard: one cell is reached by tab, arrows go to the others. Without this each is.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenToMap(map) {
  const cells = [...map.querySelectorAll("a.cell")].map((link) => ({ link, ...middle(link) }));
  if (!cells.length) return;
  const reach = (cell) => cells.forEach((one) => one.link.setAttribute("tabindex", one === cell ? "0" : "-1"));
  reach(cells[0]);
  map.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const now = cells.find(({ link }) => link === document.activeElement);
    if (!step || !now || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = nearest(cells, now, step);
    if (!next) return;
    reach(next);
    next.link.focus();
  });
}

function middle(link) {
  const { x, y, width, height } = link.querySelector("rect");
  return { x: x.baseVal.value + width.baseVal.value / 2, y: y.baseVal.value + height.baseVal.value / 2 };
}

// The nearest cell in a direction; far to the side counts double, so that a row is followed over its gaps.
function nearest(cells, now, [dx, dy]) {
  const off = ({ x, y }) => {
    const [along, across] = dx ? [(x - now.x) * dx, y - now.y] : [(y - now.y) * dy, x - now.x];
    return along > 1 ? along + 2 * Math.abs(across) : Infinity;
  };
  const found = cells.reduce((best, one) => (off(one) < off(best) ? one : best), now);
  return found === now ? null : found;
}
