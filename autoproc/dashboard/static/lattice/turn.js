// Turning, moving and zooming by mouse, fingers and keys. What is asked for goes to `act`; a click to `click`.
import { turnBy } from "./orientation.js";

const STEP = Math.PI / 36;
const FINE = Math.PI / 360;
const MOVE = 40; // px of a key
const STILL = 4; // px by which a click may slip
const FASTER = 1.0016; // a wheel's step, to the power of its px
const KEYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

export class Turning {
  constructor(element, { state, camera, changed, click, middle, key }) {
    Object.assign(this, { element, state, camera, changed, click, middle, key });
    this.fingers = new Map();
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => this.up(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.press(event));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  down(event) {
    this.element.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.slipped = this.fingers.size > 1 ? Infinity : 0;
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY], [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    this.slipped += Math.hypot(dx, dy);
    if (this.fingers.size > 1) this.pinch(event.pointerId, before, now);
    else if (event.shiftKey || event.buttons & 6) this.pan(dx, dy);
    else if (event.ctrlKey || event.altKey) this.roll(before, now);
    else this.turn(dx, dy, Math.min(this.element.clientWidth, this.element.clientHeight) / 2);
    this.fingers.set(event.pointerId, now);
    this.changed();
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && this.slipped < STILL) this.click(event.offsetX, event.offsetY, event);
  }

  turn(dx, dy, radius) {
    const angle = Math.hypot(dx, dy) / radius;
    if (angle) this.state.turn = turnBy(this.state.turn, [dy, dx, 0], angle);
  }

  roll([x0, y0], [x1, y1]) {
    const { x, y } = this.camera();
    const angle = Math.atan2(y0 - y, x0 - x) - Math.atan2(y1 - y, x1 - x);
    this.state.turn = turnBy(this.state.turn, [0, 0, 1], angle);
  }

  pan(dx, dy) {
    const { scale } = this.camera();
    this.state.pan = [this.state.pan[0] - dx / scale, this.state.pan[1] + dy / scale];
  }

  // By a factor, with what is at x, y staying there.
  zoom(factor, x, y) {
    const { scale, width, height } = this.camera(), { pan, zoom } = this.state;
    const wanted = Math.min(Math.max(zoom * factor, 0.05), 2000), change = 1 / scale - zoom / (scale * wanted);
    this.state.pan = [pan[0] + (x - width / 2) * change, pan[1] - (y - height / 2) * change];
    this.state.zoom = wanted;
  }

  pinch(finger, before, now) {
    const [other] = [...this.fingers].filter(([id]) => id !== finger).map(([, place]) => place);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(FASTER ** -(event.deltaMode ? 30 * event.deltaY : event.deltaY), event.offsetX, event.offsetY);
    this.changed();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey) return;
    if (!this.steer(event) && !this.key(event.key)) return;
    event.preventDefault();
    this.changed();
  }

  steer({ key, shiftKey, altKey }) {
    const { clientWidth, clientHeight } = this.element;
    if (key in KEYS) {
      const [x, y] = KEYS[key];
      if (shiftKey) this.pan(x * MOVE, y * MOVE);
      else this.turn(x, y, 1 / (altKey ? FINE : STEP));
    } else if (key === "+" || key === "=") this.zoom(1.2, clientWidth / 2, clientHeight / 2);
    else if (key === "-" || key === "_") this.zoom(1 / 1.2, clientWidth / 2, clientHeight / 2);
    else if (key === "," || key === ".") this.state.turn = turnBy(this.state.turn, [0, 0, 1], key === "," ? STEP : -STEP);
    else if (key === "Enter") this.middle(clientWidth / 2, clientHeight / 2);
    else return false;
    return true;
  }
}
