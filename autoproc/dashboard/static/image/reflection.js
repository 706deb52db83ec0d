// The chosen reflection: what became of it, its pixels, and its equivalents.
import { element, figure, imageOf, terms } from "./elements.js";
import { frames, rockingCurve } from "./shoebox.js";

const $ = (selector) => document.querySelector(selector);
const FAR = 3; // standard uncertainties from which on a deviation is pointed out

export class ReflectionPanel {
  constructor({ state, source, dataSets, spots, say }) {
    Object.assign(this, { state, source, dataSets, spots, say });
    $("#unchoose").addEventListener("click", () => state.change({ row: null }));
    const [details, name] = [$("#equivalents"), "equivalents"];
    details.open = state.open.includes(name);
    details.addEventListener("toggle", () => state.change({ open: details.open ? [name] : [] }));
  }

  // What is known of the chosen one, fetched; go : its image is shown too.
  async show(go = false) {
    const { row } = this.state;
    if (row === null) {
      $("#chosen").hidden = true;
      return;
    }
    try {
      const facts = await this.source.reflection(row);
      if (this.state.row !== row) return;
      const { sweep, image, columns } = facts;
      if (sweep !== this.state.sweep) return this.state.goTo(columns.place[0], { sweep, image }); // on a page of its own
      this.#fill(facts);
      if (go) this.state.goTo(columns.place[0], { image });
    } catch (error) {
      $("#chosen").hidden = true;
      this.say(error.message);
    }
  }

  #fill(facts) {
    const { columns, fates, box } = facts;
    $("#chosen").hidden = false;
    const hkl = columns.hkl?.[0];
    $("#chosen-name").textContent = hkl?.some(Boolean) ? hkl.join(" ") : "Not indexed";
    $("#chosen-facts").replaceChildren(...terms(this.#facts(facts, fates[columns.fate[0]].words)));
    $("#frames").replaceChildren(...frames(box, facts.fitted, this.state.colours, (image) => this.state.change({ image })));
    $("#profile-fitted").hidden = !facts.fitted;
    $("#no-profile").hidden = Boolean(facts.fitted) || !columns.intensity_prf?.[0];
    $("#rocking").replaceChildren(rockingCurve(facts.rocking, box.first));
    this.#equivalents(facts.equivalents);
  }

  #facts({ columns, background, other }, fate) {
    const three = (values) => values.map((value) => value?.toFixed(1) ?? "?").join(", ");
    $("#chosen-fate").textContent = fate;
    const facts = [];
    if (columns.d) facts.push(["d", `${columns.d[0]} Å`]);
    facts.push(["seen at", three(columns.place[0])]);
    if (columns.expected) facts.push(["expected at", three(columns.expected[0])]);
    for (const [name, words] of [["sum", "summed"], ["prf", "profile-fitted"]]) {
      const value = columns[`intensity_${name}`]?.[0];
      if (value !== undefined && value !== null) facts.push([words, `${figure(value)} ± ${figure(columns[`sigma_${name}`][0], 3)}`]);
    }
    facts.push(["background", `${figure(background, 3)} a pixel`]);
    const named = { partiality: "recorded part", profile_correlation: "profile correlation", inverse_scale: "scale", lp: "Lorentz and polarisation", qe: "detected part", zeta: "ζ" };
    for (const [name, words] of Object.entries(named)) if (name in other) facts.push([words, figure(other[name], 3)]);
    return facts;
  }

  #equivalents(told) {
    $("#equivalents").hidden = !told;
    if (!told) return;
    const rows = told.row.map((row, n) => this.#equivalent(told, n, row));
    $("#equivalents tbody").replaceChildren(...rows);
    const mean = told.mean === undefined || told.mean === null ? "" : `, mean ${figure(told.mean)} ± ${figure(told.mean_sigma, 3)}`;
    $("#equivalents summary").textContent = `Equivalents: ${told.row.length}${mean}`;
  }

  #equivalent(told, n, row) {
    const button = element("button", { type: "button", className: "link", textContent: told.hkl[n].join(" ") });
    button.addEventListener("click", () => { this.state.change({ row }); this.show(true); });
    const isOff = told.deviation && Math.abs(told.deviation[n] ?? 0) > FAR;
    const cells = [
      element("td", {}, button, told.is_mate[n] ? element("span", { title: "of I(−): Friedel's mate", textContent: " (−)" }) : ""), imageOf(told, n, this),
      told.intensity && told.sigma[n] > 0 ? `${figure(told.intensity[n])} ± ${figure(told.sigma[n], 3)}` : "",
      told.deviation ? figure(told.deviation[n], 2) : "",
    ].map((cell) => (cell instanceof Element ? cell : element("td", { textContent: cell })));
    const line = element("tr", { title: told.words[n], className: [row === this.state.row ? "this" : "", isOff ? "off" : "", told.is_used && !told.is_used[n] ? "unused" : ""].join(" ") }, ...cells);
    return line;
  }
}
