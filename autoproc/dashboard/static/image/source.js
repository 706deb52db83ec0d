// Where everything comes from: addresses, and facts that are fetched once.
import { SEARCH } from "./state.js";
import { reason } from "./tiles.js";

const KEPT = 200; // images of which facts are kept

export class Source {
  constructor(base, state) {
    Object.assign(this, { base, state });
    this.images = new Map();
    this.tileAddress = this.tileAddress.bind(this);
    this.predictionsAddress = this.predictionsAddress.bind(this);
    this.reflectionsAddress = this.reflectionsAddress.bind(this);
  }

  get #common() {
    const query = new URLSearchParams();
    if (this.state.stage) query.set("stage", this.state.stage);
    if (this.state.sweep) query.set("sweep", this.state.sweep);
    return query;
  }

  async facts() {
    const facts = await asked(`${this.base}/facts?${this.#common}`);
    this.range = facts.images;
    return facts;
  }

  // What is drawn of an image: two pictures of the same kind have the same contrast.
  get kind() {
    const { stack, how, view } = this.state;
    if (view !== "counts") {
      const asked = SEARCH.filter((name) => this.state[name] !== "").map((name) => [name, this.state[name]]);
      return new URLSearchParams([["view", view], ...asked]).toString();
    }
    return stack > 1 ? `stack=${stack}&how=${how === "maximum" ? how : "sum"}` : "";
  }

  // The name of a picture: an image's number and what is drawn of it.
  picture(image) {
    return `${image}?${this.kind}`;
  }

  #address(picture, path) {
    const at = picture.indexOf("?");
    const [image, kind] = [picture.slice(0, at), picture.slice(at + 1)];
    const query = this.#common;
    for (const [key, value] of new URLSearchParams(kind)) query.set(key, value);
    return `${this.base}/${image}/${path}?${query}`;
  }

  tileAddress(picture, level, row, column) {
    return this.#address(picture, `tiles/${level}/${row}/${column}`);
  }

  reflectionsAddress(picture) {
    return this.#address(picture, "reflections");
  }

  // One reflection with its pixels.
  reflection(row) {
    return asked(`${this.base}/reflections/${row}?${this.#common}`);
  }

  list(query) {
    return asked(`${this.base}/reflections?${new URLSearchParams([...this.#common, ...query])}`);
  }

  predictionsAddress(picture) {
    return this.#address(picture, "predictions");
  }

  line(picture, line) {
    return asked(`${this.#address(picture, "line")}&line=${line}`);
  }

  untrusted() {
    return asked(`${this.base}/untrusted?${this.#common}`);
  }

  // Of an image: file, lattices, histogram, limits.
  image(picture) {
    if (!this.images.has(picture)) this.#ask(picture);
    return this.images.get(picture);
  }

  // The same, asked again; null where nothing was known, or the image is as it was.
  async imageIfChanged(picture) {
    const before = this.images.get(picture);
    if (!before) return null;
    const [old, now] = await Promise.all([before, asked(this.#address(picture, "facts"))]);
    if (old.version === now.version) return null;
    this.images.set(picture, Promise.resolve(now));
    return now;
  }

  #ask(picture) {
    const facts = asked(this.#address(picture, "facts"));
    facts.catch(() => this.images.delete(picture));
    this.images.set(picture, facts);
    if (this.images.size > KEPT) this.images.delete(this.images.keys().next().value);
  }
}

async function asked(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}
