// The image on the screen: which tiles it needs, and what is drawn until they have come.
import { colourMap, ofPage, parts } from "./colours.js";
import { CanvasPainter } from "./draw_canvas.js";
import { WebglPainter } from "./draw_webgl.js";
import { TileStore } from "./tiles.js";

const COARSE_AFTER = 400; // milliseconds that an image may take before it is shown coarsely

export class Picture extends EventTarget {
  constructor({ canvas, state, facts, view, address }) {
    super();
    Object.assign(this, { canvas, state, facts, view });
    this.painter = (state.draw !== "canvas" && WebglPainter.on(canvas)) || new CanvasPainter(canvas);
    this.store = new TileStore({
      address, levels: facts.levels, side: facts.tile, release: (tile) => this.painter.release(tile),
      changed: () => this.redraw(), failed: (picture, words) => this.#failed(picture, words),
    });
    this.ahead = []; // pictures that may be wanted next
    this.look = { low: 0, high: 1, lowest: facts.lowest, step: 1 };
    this.shown = null;
    this.redraw = this.redraw.bind(this);
    this.recolour();
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  // Nothing is drawn in place of an image that cannot be: not that before it under its name.
  #failed(picture, words) {
    if (picture === this.wanted && picture !== this.shown) this.shown = null;
    this.#tell("failed", { picture, words });
  }

  recolour() {
    this.colours = {
      map: colourMap(this.state.colours), name: `${this.state.colours}${ofPage("--paper")}`,
      gap: parts(ofPage("--rule")), over: parts(ofPage("--bad")), around: parts(ofPage("--panel")),
    };
    this.redraw();
  }

  // name : of the picture, as the tiles' address has it
  show(name) {
    if (this.wanted === name) return;
    this.wanted = name;
    this.asked = performance.now();
    setTimeout(this.redraw, COARSE_AFTER + 10);
    this.redraw();
  }

  redraw() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => { this.isWaiting = false; this.#draw(); });
  }

  redrawNow() {
    this.#draw();
  }

  get level() {
    return this.view.level(this.facts.levels, this.ratio ?? 1);
  }

  fitCanvas(width, height) {
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    Object.assign(this.view, { width, height });
    this.redraw();
  }

  #draw() {
    if (!this.wanted) return;
    const level = this.level;
    const coarsest = this.facts.levels.length - 1;
    const places = this.view.tiles(level, this.facts.tile, this.facts.levels[level]);
    const named = (picture) => places.map(([row, column]) => [picture, level, row, column]);
    const isThere = (list) => list.every((one) => this.store.find(...one));
    const now = named(this.wanted);
    const isWhole = isThere(now);
    const isLate = this.shown === null || performance.now() - this.asked > COARSE_AFTER;
    if (isWhole || (isLate && this.store.find(this.wanted, coarsest, 0, 0))) this.#arrived(isWhole);
    const first = this.shown === null ? [[this.wanted, coarsest, 0, 0]] : [];
    const coarse = isWhole ? [] : [[this.wanted, coarsest, 0, 0]];
    this.store.want([...first, ...now, ...coarse, ...this.ahead.flatMap(named)]);
    this.painter.paint(this.#pieces(level, places), { ...this.look, ...this.colours, isLog: this.state.scale === "log" });
    this.#tell("drawn", { level });
  }

  #arrived(isWhole) {
    const isNew = this.shown !== this.wanted;
    this.shown = this.wanted;
    if (isNew) this.#tell("shown", { picture: this.shown });
    if (isWhole && this.wholeOf !== this.wanted) {
      this.wholeOf = this.wanted;
      this.took = performance.now() - this.asked;
      this.#tell("whole", { picture: this.shown, took: this.took });
    }
  }

  // What is there; in place of a tile that is not, its pixels from a coarser one, or from four finer ones.
  #pieces(level, places) {
    const pieces = [];
    const instead = new Set();
    for (const place of places.filter((one) => !this.store.find(this.shown, level, ...one))) {
      const finer = level > 0 ? this.#finer(level, place) : [];
      if (finer.length) finer.forEach((one) => this.#add(pieces, level - 1, one));
      else instead.add(this.#coarser(level, place));
    }
    const coarse = [];
    for (const one of instead) if (one) this.#add(coarse, ...JSON.parse(one));
    for (const place of places) this.#add(pieces, level, place);
    return [...coarse, ...pieces];
  }

  // The four tiles of the level below that a tile is made of; none unless all are there.
  #finer(level, [row, column]) {
    const [slow, fast] = this.facts.levels[level - 1].map((size) => Math.ceil(size / this.facts.tile));
    const four = [0, 1].flatMap((y) => [0, 1].map((x) => [2 * row + y, 2 * column + x])).filter(([y, x]) => y < slow && x < fast);
    return four.every((one) => this.store.find(this.shown, level - 1, ...one)) ? four : [];
  }

  // [level, [row, column]], as text, of the finest tile that is there and holds a tile.
  #coarser(level, [row, column]) {
    for (let up = 1; level + up < this.facts.levels.length; up++) {
      const place = [row >> up, column >> up];
      if (this.store.find(this.shown, level + up, ...place)) return JSON.stringify([level + up, place]);
    }
    return null;
  }

  #add(pieces, level, [row, column]) {
    const tile = this.store.find(this.shown, level, row, column);
    if (!tile) return;
    const scale = 2 ** level;
    const [left, top] = this.view.toScreen([column * this.facts.tile * scale, row * this.facts.tile * scale]);
    const size = this.view.zoom * scale * this.ratio;
    pieces.push([tile, left * this.ratio, top * this.ratio, tile.width * size, tile.height * size]);
  }

  // The value of a pixel that is shown, of the finest tile that is there: {value, level, kind}; null outside.
  valueAt([x, y]) {
    const [slow, fast] = this.facts.levels[0];
    if (!(x >= 0 && y >= 0 && x < fast && y < slow) || this.shown === null) return null;
    for (let level = 0; level < this.facts.levels.length; level++) {
      const [px, py] = [Math.floor(x) >> level, Math.floor(y) >> level];
      const side = this.facts.tile;
      const tile = this.store.find(this.shown, level, Math.floor(py / side), Math.floor(px / side));
      if (!tile) continue;
      const code = tile.at(px % side, py % side);
      if (code === 0) return { level, kind: "gap" };
      if (code === tile.top) return { level, kind: "overload" };
      return { level, kind: "count", value: (code - 1) * this.look.step + this.look.lowest };
    }
    return null;
  }

  // Asks for the pixels at a place as they are.
  wantFinest([x, y]) {
    const side = this.facts.tile;
    const [slow, fast] = this.facts.levels[0];
    if (!(x >= 0 && y >= 0 && x < fast && y < slow) || this.shown === null) return;
    const tile = [this.shown, 0, Math.floor(y / side), Math.floor(x / side)];
    if (!this.store.find(...tile)) this.store.want([...this.store.wanted, tile]);
  }
}
