// Reflections that were asked for: by index, by what became of them, by the part of the detector; to step through.
import { element, figure } from "./elements.js";

const $ = (selector) => document.querySelector(selector);
const ASKED = ["hkl", "region", "kind", "words", "order"];

export class ReflectionList {
  constructor({ state, source, panel, spots, say }) {
    Object.assign(this, { state, source, panel, spots, say });
    this.columns = null;
    $("#find").addEventListener("submit", (event) => { event.preventDefault(); this.#ask(); });
    $("#clear").addEventListener("click", () => { $("#find").reset(); this.#ask(); });
    $("#kind").addEventListener("change", () => this.#ask());
    $("#order").addEventListener("change", () => this.#ask());
    for (const [id, n] of [["#before", -1], ["#after", 1]]) $(id).addEventListener("click", () => this.step(n));
  }

  #ask() {
    this.state.change({ hkl: $("#hkl").value.trim(), kind: $("#kind").value, order: $("#order").value, region: "", words: "" });
    this.show();
  }

  get isAsked() {
    return ["hkl", "region", "kind", "words"].some((key) => this.state[key]);
  }

  async show() {
    $("#hkl").value = this.state.hkl;
    $("#kind").value = this.state.kind;
    $("#order").value = this.state.order || "image";
    this.columns = null;
    $("#found").replaceChildren();
    $("#found-words").textContent = "";
    if (!this.isAsked) return;
    $("#finder").open = true;
    try {
      const query = new URLSearchParams(ASKED.filter((key) => this.state[key]).map((key) => [key, this.state[key]]));
      const facts = await this.source.list(query);
      this.#fill(facts);
    } catch (error) {
      $("#found-words").textContent = error.message;
    }
  }

  #fill({ columns, n, n_there: there, fates }) {
    this.columns = columns;
    const region = this.state.region ? " in that part of the detector" : "";
    $("#found-words").textContent = there > n ? `${n} of ${there.toLocaleString("en")} reflections${region}` : `${n} reflections${region}`;
    const rows = columns.row.map((row, k) => {
      const name = columns.hkl?.[k].some(Boolean) ? columns.hkl[k].join(" ") : "not indexed";
      const button = element("button", { type: "button", className: "link", textContent: name });
      button.addEventListener("click", () => this.#go(k));
      return element("tr", { data: { row }, title: fates[columns.fate[k]].words }, element("td", {}, button),
        element("td", { textContent: columns.image[k] }), element("td", { textContent: figure(columns.intensity_prf?.[k] || columns.intensity_sum?.[k]) }));
    });
    $("#found").replaceChildren(...rows);
    this.mark();
  }

  #go(k) {
    this.state.change({ row: this.columns.row[k] });
    this.panel.go(this.columns.place[k]);
    this.panel.show();
  }

  // To the next of those asked for; where nothing was asked, of those on the image.
  step(n) {
    const columns = this.columns ?? this.spots.now?.columns;
    if (!columns?.row?.length) return;
    const at = columns.row.indexOf(this.state.row);
    const next = at < 0 ? (n > 0 ? 0 : columns.row.length - 1) : (at + n + columns.row.length) % columns.row.length;
    if (this.columns) return this.#go(next);
    const [x, y] = columns.place[next];
    this.state.change({ row: columns.row[next], x, y, zoom: Math.max(this.state.zoom ?? 0, 8) });
    this.panel.show();
  }

  mark() {
    for (const line of document.querySelectorAll("#found tr")) {
      const isThis = Number(line.dataset.row) === this.state.row;
      line.classList.toggle("this", isThis);
      if (isThis) line.scrollIntoView({ block: "nearest" });
    }
  }
}
