// Shows one image after the other, each when all of it has come.

const MOST_A_SECOND = 10;

export class Player {
  constructor({ state, picture, images, button }) {
    Object.assign(this, { state, picture, images, button });
    this.isPlaying = false;
    this.way = 1;
    button.addEventListener("click", () => this.toggle());
    picture.addEventListener("whole", () => this.#later());
    picture.addEventListener("failed", () => this.#later());
  }

  toggle(on = !this.isPlaying) {
    this.isPlaying = on;
    this.button.setAttribute("aria-pressed", String(on));
    this.button.textContent = on ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on) this.#later();
    else clearTimeout(this.waiting);
  }

  #later() {
    if (!this.isPlaying) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.isPlaying && this.step(1, true), 1000 / MOST_A_SECOND);
  }

  // To an image so many further on; round : from the last to the first.
  step(n, round = false) {
    const [first, last] = this.images;
    this.way = Math.sign(n) || 1;
    let image = this.state.image + n * (Math.abs(n) === 1 ? this.state.depth : 1);
    if (image > last) image = round ? first : last;
    if (image < first) image = first;
    this.state.change({ image });
  }

  // Numbers of the images that may be wanted next.
  get ahead() {
    const [first, last] = this.images;
    const steps = this.isPlaying ? [1, 2, 3] : [this.way, -this.way];
    return steps.map((n) => this.state.image + n * this.state.depth).filter((image) => image >= first && image <= last);
  }
}
