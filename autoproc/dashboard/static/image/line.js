// Counts along a line that is drawn over the image.
import { ofPage } from "./colours.js";
import { drawn, figure } from "./elements.js";

const $ = (selector) => document.querySelector(selector);
const [WIDTH, HEIGHT] = [260, 90];

export class LineProfile {
  constructor({ state, source, say }) {
    Object.assign(this, { state, source, say });
    $("#line").addEventListener("click", () => this.hold(!this.isHeld));
    $("#no-line").addEventListener("click", () => state.change({ line: "" }));
  }

  // While it is held, the pointer draws a line instead of moving the image.
  hold(on) {
    this.isHeld = on;
    $("#line").setAttribute("aria-pressed", String(on));
  }

  get ends() {
    const numbers = this.state.line.split(",").map(Number);
    return numbers.length === 4 && numbers.every(Number.isFinite) ? [numbers.slice(0, 2), numbers.slice(2)] : null;
  }

  draw(pen, view) {
    const ends = this.ends;
    if (!ends) return;
    const [from, to] = ends.map((end) => view.toScreen(end));
    pen.strokeStyle = ofPage("--look");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  }

  async show(picture) {
    $("#profile").hidden = !this.ends;
    if (!this.ends) return;
    const line = this.state.line;
    try {
      const [facts, image] = await Promise.all([this.source.line(picture, line), this.source.image(picture)]);
      const n = this.state.how === "mean" ? image.n_images : 1; // the server adds up
      if (this.state.line === line) this.#fill({ ...facts, values: facts.values.map((value) => value && value / n) });
    } catch (error) {
      this.say(error.message);
    }
  }

  #fill({ values, length }) {
    const counts = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...counts, 0), Math.max(...counts, 1)];
    const place = (value, n) => [(n / (values.length - 1)) * WIDTH, HEIGHT - ((value - low) / (high - low)) * (HEIGHT - 4) - 2];
    const pieces = [[]];
    values.forEach((value, n) => { if (value === null) pieces.push([]); else pieces.at(-1).push(place(value, n).join(",")); });
    const lines = pieces.filter((piece) => piece.length).map((piece) => drawn("polyline", { points: piece.join(" "), class: "curve" }));
    $("#profile-curve").replaceChildren(drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Counts along the line" }, ...lines));
    $("#profile-words").textContent = `${Math.round(length)} px; from ${figure(low)} to ${figure(high)}`;
  }
}
