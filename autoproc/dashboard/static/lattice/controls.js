// The form beside the view: what it says goes into the state, and the other way round.
import { nameOfLattice, nameOfUnindexed } from "./palette.js";

const TICKS = ["axes", "cell", "ice", "fold"];
const THINNEST = 2.5; // a slab's slider goes to a hundredth and less, by its logarithm
const CHOICES = ["colour", "spots"];

export class Controls {
  constructor(form, message, state, { chosen, turned, key }) {
    Object.assign(this, { form, message, state, chosen, key });
    this.model = message.facts.sweeps[0];
    this.counts();
    this.dots();
    form.addEventListener("input", (event) => this.read(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("click", ({ target }) => {
      if (target.dataset?.key) turned(target.dataset.key);
    });
    form.querySelector("#back").addEventListener("click", () => this.reset());
    this.write();
  }

  // The state as the form shows it.
  write() {
    const { state, form } = this, field = form.elements;
    for (const name of TICKS) field[name].checked = state[name];
    for (const name of CHOICES) field[name].value = state[name];
    field.crystal.checked = state.frame === "crystal";
    field.size.value = state.size;
    field.slab.value = 1 + Math.log10(state.slab) / THINNEST;
    field.high.value = state.high ?? "";
    field.low.value = state.low ?? "";
    [field.first.value, field.last.value] = state.images ?? ["", ""];
    if (field.of) field.of.value = state.of;
    for (const box of form.querySelectorAll("[name=lattice]")) box.checked = !state.off.includes(box.value);
    this.writeDetector();
  }

  writeDetector() {
    const { state, model, form } = this, field = form.elements, [fast, slow] = state.beam;
    if (!model) return;
    if (model.beam_centre) {
      field.fast.value = (model.beam_centre[0] + fast).toFixed(2);
      field.slow.value = (model.beam_centre[1] + slow).toFixed(2);
    }
    field.distance.value = (model.distance + state.distance).toFixed(2);
    [field.fast_by.value, field.slow_by.value, field.distance_by.value] = [fast, slow, state.distance];
    this.sayMoved();
  }

  sayMoved() {
    const { beam, distance } = this.state, moved = beam[0] || beam[1] || distance;
    const signed = (x, digits) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(digits);
    this.form.querySelector("#moved").value = moved
      ? `moved by ${signed(beam[0], 1)}, ${signed(beam[1], 1)} px, ${signed(distance, 2)} mm` : "";
    this.form.querySelector("#back").hidden = !moved;
  }

  read(target) {
    const { state } = this, { name, value, checked } = target;
    if (name === "stage") {
      state.stage = value;
      return this.key("stage");
    }
    if (TICKS.includes(name)) state[name] = checked;
    else if (CHOICES.includes(name)) state[name] = value;
    else if (name === "crystal") state.frame = checked ? "crystal" : "laboratory";
    else if (name === "slab") state.slab = 10 ** (THINNEST * (Number(value) - 1));
    else if (name === "size" || name === "of") state[name] = Number(value);
    else if (name === "high" || name === "low") state[name] = Number(value) > 0 ? Number(value) : null;
    else if (name === "first" || name === "last") this.readImages();
    else if (name === "lattice") this.readLattices();
    else if (name.endsWith("_by")) this.slide(name, Number(value));
    else this.readDetector();
    this.chosen();
  }

  readImages() {
    const { first, last } = this.form.elements, all = this.message.facts.sweeps.map((sweep) => sweep.images);
    const least = Math.min(...all.map(([from]) => from)), most = Math.max(...all.map(([, to]) => to));
    const number = (text, other) => (text === "" ? other : Math.round(Number(text)));
    const range = [number(first.value, least), number(last.value, most)];
    this.state.images = first.value === "" && last.value === "" ? null : range;
  }

  readLattices() {
    const boxes = [...this.form.querySelectorAll("[name=lattice]")];
    this.state.off = boxes.filter((box) => !box.checked).map((box) => box.value);
  }

  // A lattice on or off; false where there is none of that name.
  toggle(name) {
    const box = this.form.querySelector(`[name=lattice][value="${name}"]`);
    box?.click();
    return Boolean(box);
  }

  // What a slider moves: by how much, where its number says what it is then.
  slide(name, by) {
    const { state } = this;
    if (name === "distance_by") state.distance = by;
    else state.beam = name === "fast_by" ? [by, state.beam[1]] : [state.beam[0], by];
    this.writeDetector();
  }

  // How far the indexed spots are from where their lattices have them, which is least where the detector is right.
  sayOff(off) {
    this.form.querySelector("#off").value = Number.isFinite(off) ? `indexed spots off their indices by ${off.toFixed(4)} rms` : "";
  }

  readDetector() {
    const { state, model } = this, { fast, slow, distance } = this.form.elements;
    const off = (field, known) => {
      const value = Number((Number(field.value) - known).toFixed(3));
      return field.value === "" || Math.abs(value) < 0.006 ? 0 : value;
    };
    if (model.beam_centre) state.beam = [off(fast, model.beam_centre[0]), off(slow, model.beam_centre[1])];
    state.distance = off(distance, model.distance);
    const { elements } = this.form;
    [elements.fast_by.value, elements.slow_by.value, elements.distance_by.value] = [...state.beam, state.distance];
    this.sayMoved();
  }

  reset() {
    this.state.beam = [0, 0];
    this.state.distance = 0;
    this.writeDetector();
    this.chosen();
  }

  counts() {
    const { facts } = this.message, said = (name, n) => {
      const place = this.form.querySelector(`[data-of="${name}"]`);
      if (place) place.value = n.toLocaleString("en");
    };
    said("none", facts.n_unindexed);
    facts.lattices.forEach((lattice, number) => said(number, lattice.n));
  }

  dots() {
    for (const dot of this.form.querySelectorAll(".dot")) {
      const { lattice } = dot.dataset;
      dot.classList.add((lattice === "none" ? nameOfUnindexed : nameOfLattice(Number(lattice))).slice(2));
    }
  }
}
