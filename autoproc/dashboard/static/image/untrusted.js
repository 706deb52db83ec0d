// Shadows and hot pixels that processing found: fetched once, when they are first wanted.
import { ofPage } from "./colours.js";

export class Untrusted {
  constructor({ ask, changed, say }) {
    Object.assign(this, { ask, changed, say });
    this.facts = null;
  }

  async want() {
    if (this.asked) return;
    this.asked = true;
    try {
      this.facts = await this.ask();
      this.say(this.facts.words);
    } catch (error) {
      this.say(error.message);
    }
    this.changed();
  }

  drawShadow(pen, view) {
    if (!this.facts) return;
    pen.globalAlpha = 0.35;
    pen.fillStyle = ofPage("--c3");
    const tall = Math.max(view.zoom, 0.5);
    for (const [y, x0, x1] of this.facts.shadow) {
      const [left, top] = view.toScreen([x0, y]);
      if (top < -tall || top > view.height) continue;
      pen.fillRect(left, top, (x1 - x0) * view.zoom, tall);
    }
    pen.globalAlpha = 1;
  }

  drawHot(pen, view) {
    if (!this.facts) return;
    pen.strokeStyle = ofPage("--bad");
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const [x, y] of this.facts.hot) {
      const [left, top] = view.toScreen([x, y]);
      const more = Math.max(0, 4 - view.zoom / 2);
      pen.rect(left - more, top - more, view.zoom + 2 * more, view.zoom + 2 * more);
    }
    pen.stroke();
  }
}
