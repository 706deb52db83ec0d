// The view of the points: two canvases, drawn when something has changed.
import { cameraOf } from "./camera.js";
import { Chosen } from "./chosen.js";
import { inverse } from "./matrix.js";
import { basisOf, drawOverlay } from "./overlay.js";
import { colour, palette } from "./palette.js";
import { Raster } from "./raster.js";
import { WebGL } from "./webgl.js";

const NEAREST = 8; // px from a point within which a click means it
const FIT = 1.04;

export class Viewer {
  constructor(place, message, state) {
    Object.assign(this, { place, message, state });
    this.chosen = new Chosen(message);
    this.painter = painterIn(place.querySelector(".points"));
    this.overlay = place.querySelector(".lines").getContext("2d");
    place.dataset.painter = this.painter.name;
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.choose());
    this.resize();
    this.choose();
  }

  get basis() {
    const lattice = this.message.facts.lattices[this.state.of];
    return lattice ? basisOf(lattice, this.state.frame === "crystal" && !this.state.fold, inverse) : null;
  }

  // Of rotation, where there is one for all.
  get axis() {
    const { facts } = this.message, { state } = this;
    return facts.sweeps.length === 1 && state.frame === "laboratory" && !state.fold ? facts.sweeps[0].axis : null;
  }

  // The number of the point that is chosen, and where it is among those that are shown; undefined for none.
  get spot() {
    const { row } = this.message.columns, number = this.state.row;
    if (number === null) return undefined;
    const i = row.indexOf(number);
    return i < 0 ? undefined : i;
  }

  get place3() {
    const i = this.spot, k = i === undefined ? -1 : this.which.indexOf(i);
    return k < 0 ? null : this.positions.subarray(3 * k, 3 * k + 3);
  }

  get camera() {
    return cameraOf(this.state, this.extent, this.place.clientWidth, this.place.clientHeight);
  }

  get extent() {
    if (!this.state.fold || !this.basis) return FIT / (this.message.facts.d_fit ?? 2);
    return 0.62 * Math.hypot(...this.basis.map((vector) => Math.hypot(...vector)));
  }

  // Other points, or in other colours.
  choose() {
    const { colours, numbers } = palette(this.state.colour, this.message);
    const shown = this.chosen.shown(this.state, numbers);
    Object.assign(this, { positions: shown.positions, which: shown.which });
    this.painter.fill(shown.positions, shown.numbers);
    this.painter.paint(colours, colour("--paper"));
    this.place.dataset.shown = this.which.length;
    this.draw();
  }

  resize() {
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.painter.canvas, this.overlay.canvas]) {
      canvas.width = Math.max(1, Math.round(this.place.clientWidth * this.ratio));
      canvas.height = Math.max(1, Math.round(this.place.clientHeight * this.ratio));
    }
    this.draw();
  }

  draw() {
    this.wanted ??= requestAnimationFrame(() => {
      this.wanted = undefined;
      this.drawNow();
    });
  }

  drawNow() {
    const { ratio } = this, camera = this.camera;
    const finer = { ...camera, x: camera.x * ratio, y: camera.y * ratio, scale: camera.scale * ratio };
    this.painter.draw(finer, this.state.size * ratio);
    drawOverlay(this.overlay, camera, {
      state: this.state, basis: this.basis, ice: this.message.facts.ice, axis: this.axis, chosen: this.place3, ratio,
    });
    this.place.dataset.drawn = Number(this.place.dataset.drawn ?? 0) + 1;
  }

  // The number of the point at a place on the screen, the nearest to the eye where several are; undefined for none.
  at(x, y, within = NEAREST) {
    const { rows, scale, depth, ...middle } = this.camera, { positions, which } = this;
    const [[a, b, c], [d, e, f], [g, h, k]] = rows;
    const right = (x - middle.x) / scale, up = (middle.y - y) / scale, reach = within / scale;
    let best, least = Infinity;
    for (let i = 0, n = 0; n < which.length; i += 3, n++) {
      const px = positions[i], py = positions[i + 1], pz = positions[i + 2];
      const apart = Math.hypot(a * px + b * py + c * pz - right, d * px + e * py + f * pz - up) / reach;
      const near = (g * px + h * py + k * pz) / depth;
      if (apart > 1 || near < -1 || near > 1 || apart - near >= least) continue;
      least = apart - near;
      best = which[n];
    }
    return best;
  }
}

// The graphics card has given up: the same view again, drawn by this program.
function withoutIt() {
  const asked = new URLSearchParams(location.search);
  asked.set("painter", "canvas");
  location.replace(`?${asked}`);
}

function painterIn(canvas) {
  const asked = new URLSearchParams(location.search).get("painter");
  if (asked !== "canvas") {
    const other = canvas.cloneNode();
    try {
      const painter = new WebGL(other, asked === "webgl");
      other.addEventListener("webglcontextlost", withoutIt);
      canvas.replaceWith(other);
      return painter;
    } catch {
      // drawn without it
    }
  }
  return new Raster(canvas);
}
