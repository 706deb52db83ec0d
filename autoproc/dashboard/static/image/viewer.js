// Puts the parts of the image viewer together, and tells each of them what has changed.
import { whenTurned } from "./colours.js";
import { Contrast } from "./contrast.js";
import { Controls } from "./controls.js";
import { Cursor } from "./cursor.js";
import { Geometry } from "./geometry.js";
import { listen } from "./gestures.js";
import { LineProfile } from "./line.js";
import { ReflectionList } from "./list.js";
import { Over } from "./over.js";
import { Picture } from "./picture.js";
import { Player } from "./play.js";
import { ReflectionPanel } from "./reflection.js";
import { SEARCH } from "./state.js";
import { View } from "./view.js";

const $ = (selector) => document.querySelector(selector);
const WHAT_IS_DRAWN = ["image", "stack", "how", "view", ...SEARCH];

export function say(words) {
  $("#trouble").textContent = words ?? "";
  $("#trouble").hidden = !words;
}

const note = (words) => { $("#note").textContent = words ?? ""; };

export class Viewer {
  constructor(state, source, facts) {
    Object.assign(this, { state, source, facts });
    this.now = { settings: [], n_images: 1 }; // what is known of the image
    const view = new View(state, [facts.levels[0][1], facts.levels[0][0]]);
    const geometry = new Geometry(facts);
    const picture = new Picture({ canvas: $("#picture"), state, facts, view, address: source.tileAddress });
    Object.assign(this, { view, picture });
    this.over = new Over({ canvas: $("#over"), state, view, geometry, picture, source, note, changed: () => this.controls.tellSpots() });
    this.spots = this.over.spots;
    this.line = this.over.line = new LineProfile({ state, source, say });
    this.player = new Player({ state, picture, images: facts.images, button: $("#play") });
    this.contrast = new Contrast({ canvas: $("#histogram"), low: $("#low"), high: $("#high"), state, unit: () => picture.look.step });
    this.cursor = new Cursor({ element: $("#cursor"), picture, view, geometry, state, now: () => this.now });
    this.panel = new ReflectionPanel({ state, source, dataSets: facts.data_sets, spots: this.spots, say });
    this.list = new ReflectionList({ state, source, dataSets: facts.data_sets, panel: this.panel, spots: this.spots, say });
    this.controls = new Controls(this);
  }

  async begin(isPlaced) {
    const { state, picture } = this;
    state.addEventListener("change", ({ detail }) => this.#changed(detail));
    picture.addEventListener("drawn", () => { this.over.draw(); this.cursor.tell(); });
    picture.addEventListener("whole", ({ detail }) => { $("#viewer").dataset.whole = detail.picture; });
    picture.addEventListener("shown", ({ detail }) => { this.over.show(detail.picture); this.line.show(detail.picture); });
    picture.addEventListener("failed", ({ detail }) => {
      if (detail.picture !== picture.wanted) return;
      say(detail.words);
      if (picture.shown === null) this.over.show(null);
    });
    whenTurned(() => { picture.recolour(); this.contrast.draw(); });
    this.#listen();
    this.#fit(); // else the first tiles asked for would be those of no size
    new ResizeObserver(() => this.#fit()).observe($("#screen"));
    await this.#show();
    if (this.facts.tables.includes(state.stage)) this.list.show();
    if (state.row !== null) this.panel.show(!isPlaced);
  }

  #listen() {
    const { view, line, state } = this;
    const written = (ends) => ends.flatMap((end) => view.toImage(end)).map((value) => value.toFixed(1)).join(",");
    listen($("#over"), view, {
      hover: (at) => this.cursor.move(at),
      click: (at) => this.controls.choose(this.spots.near(at, view, state)),
      keys: this.controls.keys,
      line: { isHeld: () => line.isHeld, drag: (...ends) => state.change({ line: written(ends) }) },
    });
  }

  #fit() {
    const { clientWidth, clientHeight } = $("#screen");
    this.picture.fitCanvas(clientWidth, clientHeight);
    Object.assign($("#over"), { width: $("#picture").width, height: $("#picture").height });
    this.#colour();
    this.controls.tell();
  }

  #changed(keys) {
    const { state } = this;
    const has = (...names) => names.some((name) => keys.has(name));
    if (has("stage", "sweep")) location.assign(state.address);
    if (has(...WHAT_IS_DRAWN)) this.#show();
    if (has("low", "high", "zoom")) this.#colour();
    if (has("colours")) this.picture.recolour();
    if (has("show")) this.over.want();
    if (has("show", "row")) this.over.draw();
    if (has("line")) this.line.show(this.picture.shown);
    if (has("row")) this.list.mark();
    if (has("row") && state.row === null) this.panel.show();
    this.controls.tell();
    this.picture.redraw();
  }

  // Limits of the level that is drawn, unless others were chosen.
  #colour() {
    const { contrast, picture, now } = this;
    if (now.limits) contrast.show(now.histogram, now.limits[picture.level]);
    const [low, high] = contrast.limits;
    Object.assign(picture.look, { low, high });
    picture.redraw();
  }

  async #show() {
    const { source, picture, state } = this;
    const name = source.picture(state.image);
    picture.ahead = this.player.ahead.map((image) => source.picture(image));
    picture.show(name);
    this.controls.tellImage();
    const isKnown = source.images.has(name);
    const tell = (facts) => { if (source.picture(state.image) === name) this.#know(facts); };
    try {
      tell(await source.image(name));
      if (picture.store.hasFailed(name)) picture.store.forget(name); // it can be read by now
      const changed = isKnown && await source.imageIfChanged(name);
      if (changed) {
        picture.store.forget(name);
        tell(changed);
      }
    } catch (error) {
      say(error.message);
    }
  }

  // Images of a kind keep the limits of the first, so that they can be compared.
  #know(known) {
    say("");
    const facts = this.state.how === "mean" ? asMean(known) : known;
    const kind = `${this.source.kind} ${this.state.how}`;
    const limits = this.now.limits && this.now.kind === kind ? this.now.limits : facts.limits;
    this.now = { ...facts, limits, kind };
    Object.assign(this.picture.look, { step: facts.step, lowest: facts.lowest });
    this.#colour();
    this.controls.tellFile(facts);
  }
}

// Facts of a sum, as those of the mean.
function asMean(facts) {
  const n = facts.n_images;
  const { edges, pixels } = facts.histogram;
  return {
    ...facts, step: facts.step / n, lowest: facts.lowest / n, limits: facts.limits.map(([low, high]) => [low / n, high / n]),
    histogram: { edges: edges.map((edge) => edge / n), pixels },
  };
}
