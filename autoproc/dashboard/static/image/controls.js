// The panel beside the picture: fields that follow the state, and change it.
import { NAMES } from "./colours.js";
import { KINDS } from "./spots.js";
import { SEARCH } from "./state.js";

const $ = (selector) => document.querySelector(selector);

export class Controls {
  constructor({ state, facts, spots, player, contrast, view, picture, panel, list }) {
    Object.assign(this, { state, facts, spots, player, contrast, view, picture, panel, list });
    const [first, last] = facts.images;
    for (const id of ["#image", "#slider"]) Object.assign($(id), { min: first, max: last });
    $("#image").addEventListener("change", ({ target }) => state.change({ image: this.#within(Number(target.value)) }));
    $("#slider").addEventListener("input", ({ target }) => state.change({ image: Number(target.value) }));
    for (const [id, n] of [["#back", -1], ["#on", 1]]) $(id).addEventListener("click", () => player.step(n));
    $("#stack").addEventListener("change", ({ target }) => {
      state.change({ stack: Math.min(Math.max(Math.round(Number(target.value)) || 1, 1), 100) });
      this.tell(); // whatever was typed
    });
    for (const id of ["how", "colours", "scale"]) $(`#${id}`).addEventListener("change", ({ target }) => state.change({ [id]: target.value }));
    $("#stage").replaceChildren(...facts.stages.map((stage) => new Option(stage, stage)));
    $("#stage").addEventListener("change", ({ target }) => state.change({ stage: target.value, row: null }));
    $("#view").addEventListener("change", ({ target }) => state.change({ view: target.value, low: null, high: null }));
    for (const name of SEARCH) {
      $(`#${name}`).placeholder = facts.search[name] || "of the detector";
      $(`#${name}`).addEventListener("change", ({ target }) => state.change({ [name]: target.value.trim() }));
    }
    $("#sweep").replaceChildren(...facts.sweeps.map((name, n) => new Option(name, n)));
    $("#sweeps").hidden = facts.sweeps.length < 2;
    $("#sweep").addEventListener("change", ({ target }) => state.change({ sweep: Number(target.value), row: null, image: null }));
    $("#lattice").hidden = !facts.tables.length;
    $("#auto").addEventListener("click", () => state.change({ low: null, high: null }));
    $("#save").addEventListener("click", () => this.#save());
    $("#fit").addEventListener("click", () => this.view.fit());
    $("#larger").addEventListener("click", () => this.view.zoomBy(2));
    $("#smaller").addEventListener("click", () => this.view.zoomBy(0.5));
    for (const box of document.querySelectorAll("[data-show]")) {
      box.addEventListener("change", () => state.toggle(box.dataset.show, box.checked));
    }
    this.keys = {
      ArrowLeft: () => player.step(-1), ArrowRight: () => player.step(1),
      PageUp: () => player.step(-10), PageDown: () => player.step(10),
      Home: () => state.change({ image: first }), End: () => state.change({ image: last }),
      " ": () => player.toggle(), a: () => state.change({ low: null, high: null }),
      "[": () => this.contrast.stretch(1.25), "]": () => this.contrast.stretch(0.8),
      i: () => state.change({ colours: NAMES[(NAMES.indexOf(state.colours) + 1) % NAMES.length] }),
      l: () => state.change({ scale: state.scale === "log" ? "linear" : "log" }),
      s: () => state.toggle("spots"), r: () => state.toggle("rings"), n: () => this.list.step(1), p: () => this.list.step(-1), Escape: () => this.choose(-1), b: () => state.toggle("beam"),
    };
  }

  // What is on the screen, as a file.
  #save() {
    const [picture, over] = [$("#picture"), $("#over")];
    const both = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    const pen = both.getContext("2d");
    this.picture.redrawNow(); // a graphics card keeps it only for the moment
    pen.drawImage(picture, 0, 0);
    pen.drawImage(over, 0, 0);
    both.toBlob((blob) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${$("#file").textContent.replace(/\.\w+$/, "")}_${this.state.image}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  #within(image) {
    const [first, last] = this.facts.images;
    return Number.isFinite(image) ? Math.min(Math.max(Math.round(image), first), last) : this.state.image;
  }

  tell() {
    const { state } = this;
    for (const box of document.querySelectorAll("[data-show]")) box.checked = state.shows(box.dataset.show);
    for (const id of ["stack", "how", "colours", "scale", "stage", "sweep", "view", ...SEARCH]) $(`#${id}`).value = state[id];
    const stage = this.facts.tables.includes(state.stage) ? `?stage=${encodeURIComponent(state.stage)}` : "";
    $("#lattice").search = stage;
    this.#tellSearch();
    $("#how").disabled = state.stack === 1;
    $("#zoom").textContent = `${Math.round(this.view.zoom * 100)} %`;
  }

  // The parameters as they are given to the program.
  #tellSearch() {
    const { state } = this;
    $("#search").hidden = state.view === "counts";
    $("#stack").disabled = state.view !== "counts";
    const changed = SEARCH.filter((name) => state[name] !== "").map((name) => `${name}=${state[name]}`);
    $("#command").textContent = changed.length ? `autoproc find-spots imported.expt ${changed.join(" ")}` : "";
  }

  tellImage() {
    for (const id of ["#image", "#slider"]) $(id).value = this.state.image;
    $("#slider").setAttribute("aria-valuetext", `image ${this.state.image}`);
  }

  // n : images of the stack that there are
  tellFile({ file, image, n_images: n }) {
    const { depth } = this.state;
    const isShort = n < depth && `the sweep ends, and only ${n} of ${depth} images are in it`;
    const isExcluded = depth === 1 && this.facts.excluded.includes(image) && "excluded: it is not read";
    $("#file").textContent = [file, isShort || isExcluded].filter(Boolean).join(": ");
  }

  tellSpots() {
    const numbers = this.spots.numbers();
    const rows = Object.entries(KINDS).filter(([kind]) => numbers[kind]).map(([kind, [colour, words]]) => this.#kind(kind, colour, words, numbers[kind]));
    $("#kinds").replaceChildren(...rows);
    $("#no-spots").hidden = rows.length > 0;
    $("#no-spots").textContent = this.spots.now?.error ?? this.spots.now?.words ?? (this.spots.now ? "There are none on this image." : "");
  }

  #kind(kind, colour, words, n) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !this.state.shows(`no-${kind}`) });
    box.addEventListener("change", () => this.state.toggle(`no-${kind}`, !box.checked));
    const dot = Object.assign(document.createElement("i"), { className: `dot ${colour.replace("--", "")}` });
    const number = Object.assign(document.createElement("output"), { textContent: n.toLocaleString("en") });
    label.append(box, dot, words, number);
    return label;
  }

  // n : position among the reflections of the image; -1 for none
  choose(n) {
    this.state.change({ row: n < 0 ? null : this.spots.now.columns.row[n] });
    this.panel.show();
  }
}
