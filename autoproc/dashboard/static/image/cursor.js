// What is under the pointer: its value, resolution, place, rotation and index.

const FARTHEST = 1000; // Angstrom
const REST = 120; // milliseconds until the pixel itself is asked for

export class Cursor {
  constructor({ element, picture, view, geometry, state, now }) {
    Object.assign(this, { element, picture, view, geometry, state, now });
    this.at = null;
  }

  move(at) {
    this.at = at;
    clearTimeout(this.waiting);
    if (at) this.waiting = setTimeout(() => this.picture.wantFinest(this.view.toImage(at)), REST);
    this.tell();
  }

  tell() {
    if (!this.at) return;
    const px = this.view.toImage(this.at);
    const [width, height] = this.view.size;
    const isInside = px[0] >= 0 && px[1] >= 0 && px[0] < width && px[1] < height;
    this.element.hidden = !isInside;
    if (isInside) this.element.replaceChildren(...this.#facts(px).map(([name, words]) => cell(name, words)));
  }

  #facts(px) {
    const { n_images: n, settings } = this.now();
    const image = this.state.image + (n - 1) / 2;
    const facts = [
      ["value", this.#value(px)], ["d", resolution(this.geometry.d(px))],
      ["pixel", `${Math.floor(px[0])}, ${Math.floor(px[1])}`],
      ["x, y", `${this.geometry.mm(px).map((value) => value.toFixed(2)).join(", ")} mm`],
      ["φ", `${this.geometry.phi(image).toFixed(2)}°`],
    ];
    for (const setting of settings) {
      facts.push(["hkl", this.geometry.hkl(px, image, setting).map((value) => value.toFixed(2)).join("  ")]);
    }
    return facts;
  }

  #value(px) {
    const found = this.picture.valueAt(px);
    if (!found) return "";
    if (found.kind === "gap") return "no count";
    if (found.kind === "overload") return "overloaded";
    const { value } = found;
    const words = Number.isInteger(value) ? String(value) : value.toPrecision(4);
    return found.level ? `≤ ${words}` : words;
  }
}

// Nearer to the beam it changes by much from pixel to pixel.
function resolution(d) {
  return d > FARTHEST ? `> ${FARTHEST} Å` : `${d.toFixed(3)} Å`;
}

function cell(name, words) {
  const element = document.createElement("span");
  const label = document.createElement("b");
  label.textContent = name;
  element.append(label, ` ${words}`);
  return element;
}
