// Mouse, fingers and keys on the picture.

const STEP = 80; // pixels of the screen that an arrow key moves
const CLICK = 4; // pixels that a pointer may move and still be a click

export function listen(element, view, { hover, click, keys, line }) {
  const pointers = new Map();
  let moved = 0;
  let began = [0, 0];

  const at = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    view.zoomBy(2 ** (-event.deltaY * lines / 240), at(event));
  }, { passive: false });

  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = 0;
    began = at(event);
  });

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = at(event);
    if (!before) return hover(now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (line.isHeld() || event.shiftKey) return line.drag(began, now);
    if (pointers.size === 1 && moved > CLICK) view.moveBy(now[0] - before[0], now[1] - before[1]);
    if (pointers.size === 2) pinch(before, now, event.pointerId);
    pointers.set(event.pointerId, now);
  });

  function pinch(before, now, id) {
    const [other] = [...pointers].filter(([one]) => one !== id).map(([, place]) => place);
    const far = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    view.zoomBy(far(now) / far(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    view.moveBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  const done = (event) => {
    if (pointers.delete(event.pointerId) && event.type === "pointerup" && moved <= CLICK && !pointers.size) click(at(event));
  };
  element.addEventListener("pointerup", done);
  element.addEventListener("pointercancel", done);
  element.addEventListener("pointerleave", () => hover(null));
  element.addEventListener("dblclick", (event) => view.zoomBy(event.shiftKey ? 0.5 : 2, at(event)));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, summary, [role=slider]")) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const isMove = arrow && (event.shiftKey || arrow[1]);
    if (isMove) view.moveBy(arrow[0] * STEP, arrow[1] * STEP);
    else if (event.key === "+" || event.key === "=") view.zoomBy(2 ** 0.5);
    else if (event.key === "-") view.zoomBy(2 ** -0.5);
    else if (event.key === "0") view.fit();
    else if (event.key === "1") view.zoomBy(1 / view.zoom);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}
