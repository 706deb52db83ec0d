// A plot by keyboard: arrows move the cursor, plus and minus zoom about it, 0 shows all, enter opens what it is on.

/** box : the element with the focus; plot : returns the uPlot; link : { follow, open } of charts of which points lead somewhere, or null */
export function listen(box, plot, link) {
  if (link) box.addEventListener("mousemove", () => link.follow(plot()));
  box.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(plot(), event.shiftKey ? 10 : 1, link);
    link?.follow(plot());
  });
}

const KEYS = {
  ArrowLeft: (u, step) => move(u, -step),
  ArrowRight: (u, step) => move(u, step),
  "+": (u) => zoom(u, 0.5),
  "=": (u) => zoom(u, 0.5),
  "-": (u) => zoom(u, 2),
  0: (u) => u.setScale("x", { min: u.data[0][0], max: u.data[0].at(-1) }),
  Enter: (u, step, link) => link?.open(),
};

function at(u) {
  const [first, last] = u.series[0].idxs ?? [0, u.data[0].length - 1];
  return u.cursor.idx ?? Math.round(0.5 * (first + last));
}

function move(u, step) {
  const x = u.data[0], to = Math.max(0, Math.min(x.length - 1, at(u) + step));
  const left = Math.max(0, Math.min(u.over.clientWidth, u.valToPos(x[to], "x")));
  u.setCursor({ left, top: 0.5 * u.over.clientHeight }, true, true);
}

function zoom(u, by) {
  const x = u.data[0], { min, max } = u.scales.x, middle = x[at(u)];
  const low = Math.max(x[0], middle - by * (middle - min)), high = Math.min(x.at(-1), middle + by * (max - middle));
  if (high > low) u.setScale("x", { min: low, max: high });
}
