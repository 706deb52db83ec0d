// The spots and reflections of an image: fetched with it, drawn over it, found under the pointer.
import { ofPage } from "./colours.js";
import { Labels } from "./overlays.js";
import { reason } from "./tiles.js";

export const KINDS = {
  found: ["--c0", "spots as found"], unindexed: ["--bad", "of no lattice"], indexed: ["--c2", "indexed"],
  predicted: ["--c4", "predicted"], integrated: ["--c0", "integrated"], rejected: ["--c1", "left out"],
  beyond: ["--soft", "beyond the limit"],
};
const KEPT = 40; // images whose reflections are kept
const NEAR = 12; // pixels of the screen

export class Spots {
  // address : of the reflections of an image
  constructor({ address, changed }) {
    Object.assign(this, { address, changed });
    this.kept = new Map();
    this.now = null;
  }

  // Those of a picture, when they have come; null : of none.
  async show(picture) {
    this.wanted = picture;
    const known = picture && this.kept.get(picture);
    this.now = known ?? null;
    this.changed();
    if (!picture || known) return;
    const facts = await this.#asked(picture);
    if (!facts.error) this.kept.set(picture, facts);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    if (this.wanted === picture) {
      this.now = facts;
      this.changed();
    }
  }

  async #asked(picture) {
    try {
      const answer = await fetch(this.address(picture));
      if (answer.ok) return await answer.json();
      throw new Error(await reason(answer));
    } catch (error) {
      return { n: 0, columns: {}, fates: [], error: error.message };
    }
  }

  forget() {
    this.kept.clear();
  }

  kindOf(n) {
    return this.now.fates[this.now.columns.fate[n]].kind;
  }

  // How many there are of each kind.
  numbers() {
    const numbers = {};
    for (let n = 0; n < (this.now?.n ?? 0); n++) numbers[this.kindOf(n)] = (numbers[this.kindOf(n)] ?? 0) + 1;
    return numbers;
  }

  isShown(n, state) {
    return !state.shows(`no-${this.kindOf(n)}`);
  }

  draw(pen, view, state) {
    if (!this.now?.n) return;
    const { columns } = this.now;
    const [from, to] = [view.toImage([-20, -20]), view.toImage([view.width + 20, view.height + 20])];
    const isSeen = ([x, y]) => x > from[0] && x < to[0] && y > from[1] && y < to[1];
    for (const [kind, [colour]] of Object.entries(KINDS)) {
      pen.strokeStyle = ofPage(colour);
      pen.fillStyle = pen.strokeStyle;
      pen.lineWidth = 1.25;
      pen.beginPath();
      for (let n = 0; n < this.now.n; n++) {
        if (this.kindOf(n) !== kind || !this.isShown(n, state) || !isSeen(columns.place[n])) continue;
        if (state.shows("spots")) outline(pen, view, columns, n);
        if (state.shows("centres") && columns.place[n][2] !== null) cross(pen, view.toScreen(columns.place[n]), 4);
      }
      pen.stroke();
    }
    if (state.shows("hkl") && !state.shows("predictions") && columns.hkl && view.zoom > 1.5) this.#writeIndices(pen, view, isSeen);
    const chosen = columns.row?.indexOf(state.row) ?? -1;
    if (chosen >= 0) mark(pen, view, columns, chosen);
  }

  #writeIndices(pen, view, isSeen) {
    const { columns } = this.now;
    const labels = new Labels(pen);
    pen.fillStyle = ofPage("--c4");
    for (let n = 0; n < this.now.n; n++) {
      if (!isSeen(columns.place[n]) || !columns.hkl[n].some(Boolean)) continue;
      const [x, y] = view.toScreen(columns.place[n]);
      labels.write(columns.hkl[n].join(" "), [x + 7, y - 8]);
    }
  }

  // The reflection nearest to a place on the screen: its position among the image's; -1 where none is near.
  near(at, view, state) {
    let [best, nearest] = [-1, Infinity];
    for (let n = 0; n < (this.now?.n ?? 0); n++) {
      if (!this.isShown(n, state)) continue;
      const [x, y] = view.toScreen(this.now.columns.place[n]);
      const far = Math.hypot(x - at[0], y - at[1]);
      if (far < nearest) [best, nearest] = [n, far];
    }
    return nearest < Math.max(NEAR, 4 * view.zoom) ? best : -1;
  }
}

function outline(pen, view, columns, n) {
  const box = columns.box?.[n];
  if (!box) return circle(pen, view.toScreen(columns.place[n]), 6);
  const [left, top] = view.toScreen([box[0], box[2]]);
  const [right, bottom] = view.toScreen([box[1], box[3]]);
  const more = Math.max(0, 5 - (right - left) / 2); // never too small to see
  pen.rect(left - more, top - more, right - left + 2 * more, bottom - top + 2 * more);
}

function cross(pen, [x, y], size) {
  pen.moveTo(x - size, y);
  pen.lineTo(x + size, y);
  pen.moveTo(x, y - size);
  pen.lineTo(x, y + size);
}

function circle(pen, [x, y], size) {
  pen.moveTo(x + size, y);
  pen.arc(x, y, size, 0, 2 * Math.PI);
}

function mark(pen, view, columns, n) {
  pen.strokeStyle = ofPage("--look");
  pen.lineWidth = 3;
  pen.beginPath();
  outline(pen, view, columns, n);
  pen.stroke();
}
