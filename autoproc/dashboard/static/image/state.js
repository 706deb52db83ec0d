// What is looked at. All of it is in the page's address, so that it can be sent to a colleague.

const DEFAULTS = {
  stage: "", sweep: 0, image: null, view: "counts",
  x: null, y: null, zoom: null, low: null, high: null, colours: "", scale: "linear",
  stack: 1, how: "sum", show: ["spots", "rings", "beam", "no-beyond"], row: null, line: "",
  hkl: "", region: "", d: "", lattice: "", kind: "", words: "", order: "", draw: "", open: [],
  algorithm: "", kernel_size: "", n_sigma_background: "", n_sigma_strong: "", min_local: "", global_threshold: "", gain: "",
};
// Parameters of the spot finder, as one types them; "" for what is usual.
export const SEARCH = ["algorithm", "kernel_size", "n_sigma_background", "n_sigma_strong", "min_local", "global_threshold", "gain"];
const LISTS = ["show", "open"];
const WORDS = ["stage", "view", "colours", "scale", "how", "line", "hkl", "region", "d", "lattice", "kind", "words", "order", "draw", ...SEARCH];
const CLOSE = 8; // screen pixels for one of the image when a reflection is gone to
const PATIENCE = 250; // milliseconds until a change is written: a browser refuses hundreds of them in a second

// Numbers that are whole, or within limits, whatever an address says.
const LIMITS = { sweep: [0, 9999, 1], image: [0, 1e9, 1], row: [0, 1e9, 1], stack: [1, 100, 1], zoom: [1e-3, 64, 0], x: [-1e5, 1e5, 0], y: [-1e5, 1e5, 0] };

function within(key, value) {
  const [low, high, step] = LIMITS[key] ?? [-1e12, 1e12, 0];
  return Math.min(Math.max(step ? Math.round(value) : value, low), high);
}

export class State extends EventTarget {
  constructor(search = location.search) {
    super();
    Object.assign(this, structuredClone(DEFAULTS));
    for (const [key, text] of new URLSearchParams(search)) this.#read(key, text);
  }

  #read(key, text) {
    if (!(key in DEFAULTS)) return;
    if (LISTS.includes(key)) this[key] = text.split(",").filter(Boolean);
    else if (WORDS.includes(key)) this[key] = text;
    else if (text !== "" && Number.isFinite(Number(text))) this[key] = within(key, Number(text));
  }

  // Changes some of it, and tells whoever listens which.
  change(changes) {
    const keys = Object.keys(changes).filter((key) => this[key] !== changes[key]);
    if (!keys.length) return;
    Object.assign(this, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(keys) }));
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => history.replaceState(null, "", this.address), PATIENCE);
  }

  // To a pixel (x, y) of a reflection, large enough to see; changes : what else is looked at from then on.
  goTo([x, y], changes) {
    this.change({ ...changes, x, y, zoom: Math.max(this.zoom ?? 0, CLOSE) });
  }

  // Images that are drawn as one: the spot finder's maps are of one.
  get depth() {
    return this.view === "counts" ? this.stack : 1;
  }

  shows(what) {
    return this.show.includes(what);
  }

  toggle(what, on = !this.shows(what)) {
    this.change({ show: on ? [...this.show.filter((one) => one !== what), what] : this.show.filter((one) => one !== what) });
  }

  get query() {
    const query = new URLSearchParams();
    for (const key of Object.keys(DEFAULTS)) {
      const [value, usual] = [this[key], DEFAULTS[key]].map((one) => (Array.isArray(one) ? one.join(",") : one));
      if (value !== usual && value !== null) query.set(key, value);
    }
    return query;
  }

  get address() {
    const query = this.query.toString().replaceAll("%2C", ",");
    return location.pathname + (query ? `?${query}` : "");
  }
}
