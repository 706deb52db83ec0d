// Tiles of images, fetched in the order in which they are needed, and kept within a limit of memory.

const AT_ONCE = 6; // requests under way: what a browser allows one server
const ROOM = 256 * 1024 * 1024; // bytes kept

export class Tile {
  constructor(key, width, height, codes) {
    Object.assign(this, { key, width, height, codes });
    this.bytes = codes.byteLength;
    this.top = codes instanceof Uint8Array ? 0xff : codes instanceof Uint16Array ? 0xffff : 0xffffffff;
  }

  at(x, y) {
    return this.codes[y * this.width + x];
  }
}

export class TileStore {
  // address : of a tile's key; release : called with tiles that are let go; changed : when one has come
  constructor({ address, levels, side, release, changed, failed }) {
    Object.assign(this, { address, levels, side, release, changed, failed });
    this.kept = new Map();
    this.under = new Map();
    this.wrong = new Map();
    this.wanted = [];
    this.bytes = 0;
    this.received = { tiles: 0, bytes: 0 };
  }

  static key(picture, level, row, column) {
    return `${picture}|${level}|${row}|${column}`;
  }

  find(picture, level, row, column) {
    const key = TileStore.key(picture, level, row, column);
    const tile = this.kept.get(key);
    if (tile) {
      this.kept.delete(key);
      this.kept.set(key, tile); // the latest is last
    }
    return tile;
  }

  // What is kept of a picture is of a file that is another by now.
  forget(picture) {
    for (const [key, tile] of [...this.kept].filter(([key]) => key.startsWith(`${picture}|`))) {
      this.kept.delete(key);
      this.bytes -= tile.bytes;
      this.release(tile);
    }
    this.wrong.delete(picture);
  }

  hasFailed(picture) {
    return this.wrong.get(picture);
  }

  // What is needed, the most urgent first; what was asked for before and is not among it, and not under way, is dropped.
  want(list) {
    this.wanted = list.filter((one) => !this.kept.has(TileStore.key(...one)) && !this.wrong.has(one[0]));
    this.#fetchMore();
  }

  #fetchMore() {
    while (this.under.size < AT_ONCE) {
      const next = this.wanted.find((one) => !this.under.has(TileStore.key(...one)));
      if (!next) return;
      this.#fetch(next);
    }
  }

  async #fetch([picture, level, row, column]) {
    const key = TileStore.key(picture, level, row, column);
    this.under.set(key, true);
    try {
      const answer = await fetch(this.address(picture, level, row, column));
      if (!answer.ok) throw new Error(await reason(answer));
      this.#keep(key, level, row, column, await answer.arrayBuffer());
    } catch (error) {
      this.wrong.set(picture, error.message);
      this.failed(picture, error.message);
    } finally {
      this.under.delete(key);
      this.wanted = this.wanted.filter((one) => TileStore.key(...one) !== key);
    }
    this.changed();
    this.#fetchMore();
  }

  #keep(key, level, row, column, buffer) {
    const [slow, fast] = this.levels[level];
    const width = Math.min(this.side, fast - column * this.side);
    const height = Math.min(this.side, slow - row * this.side);
    const type = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[buffer.byteLength / (width * height)];
    const tile = new Tile(key, width, height, new type(buffer));
    this.kept.set(key, tile);
    this.bytes += tile.bytes;
    this.received.tiles += 1;
    this.received.bytes += tile.bytes;
    for (const [oldest, old] of this.kept) {
      if (this.bytes <= ROOM) break;
      this.kept.delete(oldest);
      this.bytes -= old.bytes;
      this.release(old);
    }
  }
}

export async function reason(answer) {
  try {
    const said = await answer.json();
    return [said.error, said.advice].filter(Boolean).join(": ");
  } catch {
    return answer.status === 401 ? "open the link that was printed once more" : `the server answers ${answer.status}`;
  }
}
