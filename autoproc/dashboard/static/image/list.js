// Reflections that were asked for: by index, by what became of them, by the part of the detector; to step through.
import { element, figure, imageOf } from "./elements.js";

const $ = (selector) => document.querySelector(selector);
const FILTERS = ["hkl", "region", "d", "lattice", "kind", "words"];
const NONE = { region: "", d: "", lattice: "", words: "" }; // of the filters that have no field, but come with an address
const UNITS = { residual: "px", deviation: "σ" };

export class ReflectionList {
  constructor({ state, source, dataSets, panel, spots, say }) {
    Object.assign(this, { state, source, dataSets, panel, spots, say });
    this.columns = null;
    $("#find").addEventListener("submit", (event) => { event.preventDefault(); this.#ask(); });
    $("#clear").addEventListener("click", () => { $("#find").reset(); this.#ask(NONE); });
    $("#kind").addEventListener("change", () => this.#ask());
    $("#order").addEventListener("change", () => this.#ask());
    for (const [id, n] of [["#before", -1], ["#after", 1]]) $(id).addEventListener("click", () => this.step(n));
  }

  #ask(others = {}) {
    this.state.change({ hkl: $("#hkl").value.trim(), kind: $("#kind").value, order: $("#order").value, ...others });
    this.show();
  }

  get isAsked() {
    return FILTERS.some((key) => this.state[key]);
  }

  // The filters that came with the address, in words.
  get #where() {
    const { region, d, lattice, words } = this.state;
    const [x0, x1, y0, y1] = region.split(",").map((value) => String(Math.round(Number(value))));
    return [
      region && ` within x ${x0} to ${x1}, y ${y0} to ${y1}`, d && ` between ${d.split(",").map((one) => `${+Number(one).toFixed(2)} Å`).join(" and ")}`,
      lattice && ` of lattice ${Number(lattice) + 1}`, words && `: ${words}`,
    ].filter(Boolean).join("");
  }

  async show() {
    $("#hkl").value = this.state.hkl;
    $("#kind").value = this.state.kind;
    $("#order").value = this.state.order || "image";
    this.columns = null;
    $("#found").replaceChildren();
    $("#found-heads").hidden = true;
    $("#found-words").textContent = "";
    if (!this.isAsked) return;
    $("#finder").open = true;
    try {
      const query = new URLSearchParams([...FILTERS, "order"].filter((key) => this.state[key]).map((key) => [key, this.state[key]]));
      const facts = await this.source.list(query);
      this.#fill(facts);
    } catch (error) {
      $("#found-words").textContent = error.message;
    }
  }

  #fill({ columns, n, n_there: there, fates }) {
    this.columns = columns;
    const number = there > n ? `${n} of ${there.toLocaleString("en")} reflections` : `${n} reflections`;
    $("#found-words").textContent = number + this.#where;
    $("#found-heads").hidden = n === 0;
    $("#found-last").textContent = columns.off ? `off, ${UNITS[this.state.order]}` : "intensity";
    const rows = columns.row.map((row, k) => {
      const name = columns.hkl?.[k].some(Boolean) ? columns.hkl[k].join(" ") : "not indexed";
      const button = element("button", { type: "button", className: "link", textContent: name });
      button.addEventListener("click", () => this.#go(k));
      return element("tr", { data: { row }, title: fates[columns.fate[k]].words }, element("td", {}, button),
        element("td", { textContent: imageOf(columns, k, this) }), element("td", { textContent: columns.off ? columns.off[k]?.toFixed(2) ?? "" : figure(columns.intensity_prf?.[k] || columns.intensity_sum?.[k]) }));
    });
    $("#found").replaceChildren(...rows);
    if (this.state.row === null) $(".panel").scrollTop = $("#finder").offsetTop - $(".panel").offsetTop;
    this.mark();
  }

  #go(k) {
    const { row, place, image, sweep } = this.columns;
    this.state.goTo(place[k], { row: row[k], sweep: sweep[k], image: image[k] });
    this.panel.show();
  }

  // To the next of those asked for; where nothing was asked, of those on the image.
  step(n) {
    const columns = this.columns ?? this.spots.now?.columns;
    if (!columns?.row?.length) return;
    const at = columns.row.indexOf(this.state.row);
    const next = at < 0 ? (n > 0 ? 0 : columns.row.length - 1) : (at + n + columns.row.length) % columns.row.length;
    if (this.columns) return this.#go(next);
    this.state.goTo(columns.place[next], { row: columns.row[next] });
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
