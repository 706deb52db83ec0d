// Which part of the image is on the screen, and how large: between pixels of the image and of the screen.

const LARGEST = 64; // pixels of the screen that a pixel of the image takes at most

export class View {
  // size : of the image, fast and slow
  constructor(state, size) {
    Object.assign(this, { state, size, width: 1, height: 1 });
  }

  get fitting() {
    return Math.min(this.width / this.size[0], this.height / this.size[1]);
  }

  get zoom() {
    return this.state.zoom ?? this.fitting;
  }

  get centre() {
    return [this.state.x ?? this.size[0] / 2, this.state.y ?? this.size[1] / 2];
  }

  toScreen([x, y]) {
    const [cx, cy] = this.centre;
    return [(x - cx) * this.zoom + this.width / 2, (y - cy) * this.zoom + this.height / 2];
  }

  toImage([left, top]) {
    const [cx, cy] = this.centre;
    return [(left - this.width / 2) / this.zoom + cx, (top - this.height / 2) / this.zoom + cy];
  }

  // Larger by a factor; what is at a point of the screen stays there.
  zoomBy(factor, at = [this.width / 2, this.height / 2]) {
    const zoom = Math.min(Math.max(this.zoom * factor, this.fitting / 2), LARGEST);
    const [x, y] = this.toImage(at);
    this.state.change({ zoom, x: x - (at[0] - this.width / 2) / zoom, y: y - (at[1] - this.height / 2) / zoom });
  }

  moveBy(left, top) {
    const [x, y] = this.centre;
    const within = (value, size) => Math.min(Math.max(value, 0), size);
    this.state.change({
      zoom: this.zoom, x: within(x - left / this.zoom, this.size[0]), y: within(y - top / this.zoom, this.size[1]),
    });
  }

  fit() {
    this.state.change({ zoom: null, x: null, y: null });
  }

  // A pixel in the middle, large enough to see.
  lookAt([x, y], zoom = this.zoom) {
    this.state.change({ x, y, zoom });
  }

  // The finest level of which no pixel is smaller than one of the screen, so that none falls between two.
  level(levels, ratio) {
    const needed = Math.ceil(Math.log2(1 / (this.zoom * ratio)) - 1e-6);
    return Math.min(Math.max(needed, 0), levels.length - 1);
  }

  // [row, column] of the tiles of a level that are on the screen, those in the middle first.
  tiles(level, side, [slow, fast]) {
    const scale = 2 ** level * side;
    const [left, top] = this.toImage([0, 0]);
    const [right, bottom] = this.toImage([this.width, this.height]);
    const last = [Math.ceil(slow / side) - 1, Math.ceil(fast / side) - 1];
    const rows = [Math.max(0, Math.floor(top / scale)), Math.min(last[0], Math.floor(bottom / scale))];
    const columns = [Math.max(0, Math.floor(left / scale)), Math.min(last[1], Math.floor(right / scale))];
    const found = [];
    for (let row = rows[0]; row <= rows[1]; row++) for (let column = columns[0]; column <= columns[1]; column++) found.push([row, column]);
    const middle = this.centre.map((value) => value / scale - 0.5);
    const far = ([row, column]) => Math.hypot(row - middle[1], column - middle[0]);
    return found.sort((a, b) => far(a) - far(b));
  }
}
