// Draws tiles without a graphics card: each is coloured once for every contrast.

export class CanvasPainter {
  constructor(canvas) {
    Object.assign(this, { canvas, context: canvas.getContext("2d", { alpha: false }), kind: "canvas" });
  }

  release(tile) {
    tile.coloured = null;
  }

  paint(pieces, look) {
    const { context, canvas } = this;
    const name = [look.low, look.high, look.lowest, look.step, look.isLog, look.name, look.gap, look.over].join();
    context.imageSmoothingEnabled = false;
    context.fillStyle = `rgb(${look.around.join()})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const [tile, left, top, width, height] of pieces) {
      if (tile.look !== name) {
        tile.coloured = coloured(tile, look);
        tile.look = name;
      }
      context.drawImage(tile.coloured, left, top, width, height);
    }
  }
}

function coloured(tile, look) {
  const shown = new OffscreenCanvas(tile.width, tile.height);
  const data = new ImageData(tile.width, tile.height);
  const pixels = new Uint32Array(data.data.buffer);
  const map = new Uint32Array(look.map.buffer);
  const [gap, over] = [look.gap, look.over].map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
  const width = Math.max(look.high - look.low, 1e-9);
  const most = Math.max(width, 1);
  for (let n = 0; n < pixels.length; n++) {
    const code = tile.codes[n];
    if (code === 0 || code === tile.top) {
      pixels[n] = code ? over : gap;
      continue;
    }
    const value = (code - 1) * look.step + look.lowest;
    let part = Math.min(Math.max((value - look.low) / width, 0), 1);
    if (look.isLog) part = Math.log1p(part * most) / Math.log1p(most);
    pixels[n] = map[Math.round(part * 255)];
  }
  shown.getContext("2d").putImageData(data, 0, 0);
  return shown;
}
