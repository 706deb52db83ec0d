// Which points are shown, and where: what the controls ask for, applied to all points.
import { foldedIntoCell, inCrystalFrame, lengths, reciprocalPoints } from "./models.js";

export class Chosen {
  constructor(message) {
    this.message = message;
  }

  // Anew where beam centre or distance have moved.
  place({ beam, distance }) {
    const key = `${beam} ${distance}`;
    if (key === this.placed) return;
    this.placed = key;
    this.rlp = reciprocalPoints(this.message, { fast: beam[0], slow: beam[1], distance });
    this.length = lengths(this.rlp);
  }

  // {positions, numbers, which}: packed for drawing; which : of all points, each that is shown
  shown(state, numbers) {
    this.place(state);
    const all = this.positions(state), which = this.which(state), n = which.length;
    if (n === numbers.length) return { positions: all, numbers, which };
    const positions = new Float32Array(3 * n), chosen = new Uint8Array(n);
    for (let k = 0; k < n; k++) {
      const i = which[k];
      positions[3 * k] = all[3 * i];
      positions[3 * k + 1] = all[3 * i + 1];
      positions[3 * k + 2] = all[3 * i + 2];
      chosen[k] = numbers[i];
    }
    return { positions, numbers: chosen, which };
  }

  positions(state) {
    const lattice = this.message.facts.lattices[state.of];
    if (state.fold && lattice) return foldedIntoCell(this.rlp, lattice.A);
    return state.frame === "crystal" ? inCrystalFrame(this.rlp, this.message) : this.rlp;
  }

  which(state) {
    const { facts, columns } = this.message, { lattice, frame, sweep } = columns;
    const longest = 1 / (state.high || 0) || Infinity, shortest = state.low ? 1 / state.low : 0;
    const firsts = facts.sweeps.map((model) => model.images[0]);
    const [from, to] = state.images ?? [-Infinity, Infinity];
    const hidden = new Uint8Array(facts.lattices.length + 1);
    for (const name of state.off) hidden[name === "none" ? 0 : Number(name) + 1] = 1;
    if (state.spots === "indexed") hidden[0] = 1;
    if (state.spots === "unindexed") hidden.fill(1, 1);
    const which = new Uint32Array(facts.n);
    let n = 0;
    for (let i = 0; i < facts.n; i++) {
      if (hidden[lattice[i] + 1] || this.length[i] > longest || this.length[i] < shortest) continue;
      const image = firsts[sweep[i]] + Math.floor(frame[i]);
      if (image < from || image > to) continue;
      which[n++] = i;
    }
    return which.subarray(0, n);
  }
}
