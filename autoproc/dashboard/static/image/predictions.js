// What the models predict for an image: circles in the colours of the lattices.
import { ofPage } from "./colours.js";
import { Labels } from "./overlays.js";
import { reason } from "./tiles.js";

const COLOURS = ["--c4", "--c3", "--c1", "--c2", "--c5"];
const KEPT = 20; // images whose predictions are kept
const RADIUS = 5; // pixels of the screen, at least

export class Predictions {
  constructor({ address, changed, say }) {
    Object.assign(this, { address, changed, say });
    this.kept = new Map();
    this.now = null;
  }

  async show(picture) {
    this.wanted = picture;
    if (picture && !this.kept.has(picture)) {
      const asked = fetch(this.address(picture)).then(async (answer) => (answer.ok ? answer.json() : Promise.reject(new Error(await reason(answer)))));
      this.kept.set(picture, asked);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    try {
      const facts = picture ? await this.kept.get(picture) : null;
      if (this.wanted !== picture) return;
      this.now = facts;
      if (facts?.words) this.say(facts.words);
    } catch (error) {
      this.kept.delete(picture);
      this.say(error.message);
    }
    this.changed();
  }

  draw(pen, view, withIndices) {
    if (!this.now?.n) return;
    const { place, lattice, hkl } = this.now.columns;
    const [from, to] = [view.toImage([-20, -20]), view.toImage([view.width + 20, view.height + 20])];
    const order = [...new Set(lattice)].sort((a, b) => a - b);
    const radius = Math.max(RADIUS, 2.5 * view.zoom);
    const labels = new Labels(pen);
    for (const one of order) {
      pen.strokeStyle = ofPage(COLOURS[order.indexOf(one) % COLOURS.length]);
      pen.fillStyle = pen.strokeStyle;
      pen.lineWidth = 1.25;
      pen.beginPath();
      for (let n = 0; n < place.length; n++) {
        const [px, py] = place[n];
        if (lattice[n] !== one || px < from[0] || px > to[0] || py < from[1] || py > to[1]) continue;
        const [x, y] = view.toScreen(place[n]);
        pen.moveTo(x + radius, y);
        pen.arc(x, y, radius, 0, 2 * Math.PI);
        if (withIndices && view.zoom > 1.5) labels.write(hkl[n].join(" "), [x + radius + 2, y - radius]);
      }
      pen.stroke();
    }
  }
}
