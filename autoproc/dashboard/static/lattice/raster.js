// Points drawn by this program itself into the pixels of a canvas, where there is no graphics card.
const SHADES = 16;
const FADE = 0.65;
const ROUND = 4; // px from which a point is round

export class Raster {
  name = "canvas";

  constructor(canvas) {
    this.context = canvas.getContext("2d", { alpha: false });
    this.canvas = canvas;
  }

  // positions : x, y, z of each point; numbers : of its colour; colours : [r, g, b] each
  fill(positions, numbers) {
    this.positions = positions;
    this.numbers = numbers;
  }

  paint(colours, paper) {
    this.paper = packed(paper);
    this.table = new Uint32Array(colours.length * SHADES);
    colours.forEach((colour, number) => {
      for (let shade = 0; shade < SHADES; shade++) {
        const fade = FADE * (1 - shade / (SHADES - 1));
        this.table[number * SHADES + shade] = packed(colour.map((x, k) => Math.round(x + fade * (paper[k] - x))));
      }
    });
  }

  draw(camera, size) {
    this.makeRoom();
    this.pixels.fill(this.paper);
    this.depth.fill(-1);
    this.scatter(camera, Math.max(1, Math.round(size)));
    this.context.putImageData(this.image, 0, 0);
  }

  makeRoom() {
    const { width, height } = this.canvas;
    if (this.image?.width === width && this.image.height === height) return;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depth = new Int8Array(width * height);
  }

  scatter({ rows, scale, x: x0, y: y0, depth: reach }, size) {
    const { positions, numbers, pixels, depth, table } = this;
    const { width, height } = this.canvas;
    const [[a, b, c], [d, e, f], [g, h, k]] = rows.map((row) => row.map((x) => x * scale));
    const toShade = SHADES / (2 * reach * scale), half = SHADES / 2;
    const cut = cutOf(size);
    const left = x0 - (size - 1) / 2 + 0.5, top = y0 - (size - 1) / 2 + 0.5; // that what is cut off rounds
    const right = width - size + 1, bottom = height - size + 1;
    for (let i = 0, n = 0; n < numbers.length; i += 3, n++) {
      const x = positions[i], y = positions[i + 1], z = positions[i + 2];
      const column = left + a * x + b * y + c * z;
      if (column < 0 || column >= right) continue;
      const row = top - d * x - e * y - f * z;
      if (row < 0 || row >= bottom) continue;
      const near = (g * x + h * y + k * z) * toShade + half;
      if (near < 0 || near >= SHADES) continue;
      const shade = near | 0;
      const colour = table[numbers[n] * SHADES + shade];
      for (let v = 0, start = (row | 0) * width + (column | 0); v < size; v++, start += width) {
        for (let at = start + cut[v], end = start + size - cut[v]; at < end; at++) {
          if (depth[at] > shade) continue;
          depth[at] = shade;
          pixels[at] = colour;
        }
      }
    }
  }
}

// Pixels that are left out at either end of each row of a point, so that it is round.
function cutOf(size) {
  const radius = size / 2;
  return Array.from({ length: size }, (_, v) => {
    if (size < ROUND) return 0;
    return Math.round(radius - Math.sqrt(radius ** 2 - (v + 0.5 - radius) ** 2));
  });
}

// As a little-endian pixel has it: alpha, blue, green, red.
const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
