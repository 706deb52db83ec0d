// Which counts are white and which black: two handles below the histogram of the counts.
import { ofPage } from "./colours.js";

export class Contrast {
  // limits : low and high of the picture, as the images suggest them; shown : is called with them
  constructor({ canvas, low, high, state, unit }) {
    Object.assign(this, { canvas, inputs: [low, high], state, unit });
    this.suggested = [0, 1];
    this.histogram = null;
    this.inputs.forEach((input, n) => input.addEventListener("change", () => {
      const value = Number(input.value);
      if (input.value !== "" && Number.isFinite(value)) this.choose(n, value);
    }));
    canvas.addEventListener("pointerdown", (event) => this.#hold(event));
    canvas.addEventListener("pointermove", (event) => this.held !== undefined && this.choose(this.held, this.#valueAt(event)));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.held = undefined; });
  }

  get limits() {
    const low = this.state.low ?? this.suggested[0];
    return [low, Math.max(this.state.high ?? this.suggested[1], low + 1e-9)];
  }

  // n : 0 for the lower, 1 for the higher limit
  choose(n, value) {
    const [low, high] = this.limits;
    const tidy = Math.abs(value) < 10 ? Math.round(value * 100) / 100 : Math.round(value);
    if (n) this.state.change({ low, high: Math.max(tidy, low + 0.01) });
    else this.state.change({ low: Math.min(tidy, high - 0.01), high });
  }

  // Brighter or darker: the higher limit by a factor.
  stretch(factor) {
    const [low, high] = this.limits;
    this.choose(1, low + (high - low) * factor);
  }

  #hold(event) {
    const value = this.#place(this.#valueAt(event));
    const [low, high] = this.limits.map((limit) => this.#place(limit));
    this.held = Math.abs(value - low) < Math.abs(value - high) ? 0 : 1;
    this.canvas.setPointerCapture(event.pointerId);
    this.choose(this.held, this.#valueAt(event));
  }

  get #range() {
    const { edges } = this.histogram;
    return [edges[0], edges.at(-1)];
  }

  // Between 0 and 1, evenly in the logarithm of the value.
  #place(value) {
    const [from, to] = this.#range;
    const unit = this.unit() || 1;
    return Math.log1p(Math.max(value - from, 0) / unit) / Math.log1p((to - from) / unit || 1);
  }

  #valueAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const [from, to] = this.#range;
    const unit = this.unit() || 1;
    return from + Math.expm1(part * Math.log1p((to - from) / unit)) * unit;
  }

  show(histogram, suggested) {
    Object.assign(this, { histogram, suggested });
    this.draw();
  }

  draw() {
    const limits = this.limits;
    this.inputs.forEach((input, n) => { input.value = tidied(limits[n]); });
    if (!this.histogram) return;
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const { edges, pixels } = this.histogram;
    const most = Math.log1p(Math.max(...pixels));
    pen.fillStyle = ofPage("--c5");
    pixels.forEach((n, bin) => {
      const [left, right] = [edges[bin], edges[bin + 1]].map((edge) => this.#place(edge) * width);
      const tall = (Math.log1p(n) / most) * (height - 4);
      pen.fillRect(left, height - tall, Math.max(right - left - 0.5, 1), tall);
    });
    pen.fillStyle = ofPage("--c0");
    for (const limit of limits) {
      const at = Math.min(Math.max(this.#place(limit) * width, 1), width - 1);
      pen.fillRect(at - 1, 0, 2, height);
      pen.beginPath();
      pen.arc(at, 6, 5, 0, 2 * Math.PI);
      pen.fill();
    }
  }
}

const tidied = (value) => String(Number(value.toPrecision(4)));
