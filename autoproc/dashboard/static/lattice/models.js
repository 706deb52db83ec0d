// Where spots are in reciprocal space, at phi = 0, from where they are on the detector.
import { applied, IDENTITY, inverse, scaled, sum } from "./matrix.js";

// moved : {fast, slow} px of the beam centre and {distance} mm, added to those of the models
// Gives a Float32Array of x, y, z for every point, 1/Angstrom.
export function reciprocalPoints({ facts, columns }, moved = { fast: 0, slow: 0, distance: 0 }) {
  const rlp = new Float32Array(3 * facts.n);
  facts.sweeps.forEach((sweep, number) => placeSweep(rlp, columns, sweep, number, moved));
  return rlp;
}

function placeSweep(rlp, columns, sweep, number, moved) {
  const { lab, frame } = columns;
  const shift = sum(
    scaled(sweep.along_fast, moved.fast), scaled(sweep.along_slow, moved.slow), scaled(sweep.away, moved.distance),
  );
  const [sx, sy, sz] = sweep.s0;
  const [still, cosine, sine] = sweep.turn.map((m) => m.flat());
  for (let i = 0; i < frame.length; i++) {
    if (columns.sweep[i] !== number) continue;
    const x = lab[3 * i] + shift[0], y = lab[3 * i + 1] + shift[1], z = lab[3 * i + 2] + shift[2];
    const k = 1 / (Math.sqrt(x * x + y * y + z * z) * sweep.wavelength);
    const qx = x * k - sx, qy = y * k - sy, qz = z * k - sz;
    const phi = sweep.phi[0] + sweep.phi[1] * frame[i];
    const c = Math.cos(phi), s = Math.sin(phi);
    for (let j = 0; j < 3; j++) {
      rlp[3 * i + j] =
        qx * (still[j] + c * cosine[j] + s * sine[j]) +
        qy * (still[3 + j] + c * cosine[3 + j] + s * sine[3 + j]) +
        qz * (still[6 + j] + c * cosine[6 + j] + s * sine[6 + j]);
    }
  }
}

// Each lattice turned back by its own orientation, so that all lie on one another; spots without a lattice go with the
// first of their sweep, or stay where they are.
export function inCrystalFrame(rlp, { facts, columns }) {
  const ofLattice = facts.lattices.map((lattice) => inverse(lattice.U).flat());
  const ofSweep = facts.sweeps.map((_, number) => facts.lattices.find((lattice) => lattice.sweep === number));
  const back = ofSweep.map((lattice) => (lattice ? inverse(lattice.U) : IDENTITY).flat());
  const turned = new Float32Array(rlp.length);
  for (let i = 0; i < facts.n; i++) {
    const lattice = columns.lattice[i];
    const m = lattice >= 0 ? ofLattice[lattice] : back[columns.sweep[i]];
    const x = rlp[3 * i], y = rlp[3 * i + 1], z = rlp[3 * i + 2];
    for (let j = 0; j < 3; j++) turned[3 * i + j] = m[3 * j] * x + m[3 * j + 1] * y + m[3 * j + 2] * z;
  }
  return turned;
}

// What indices of a lattice, as fractions, are off whole numbers by: three in [-0.5, 0.5] for every point.
export function residues(rlp, A) {
  const toIndex = inverse(A).flat();
  const off = new Float32Array(rlp.length);
  for (let i = 0; i < rlp.length; i += 3) {
    for (let j = 0; j < 3; j++) {
      const h = toIndex[3 * j] * rlp[i] + toIndex[3 * j + 1] * rlp[i + 1] + toIndex[3 * j + 2] * rlp[i + 2];
      off[i + j] = h - Math.round(h);
    }
  }
  return off;
}

// Root mean square of what the indexed spots are off their own indices by, in all three; NaN where none is indexed.
export function meanOff(rlp, { facts, columns }) {
  const toIndex = facts.lattices.map((lattice) => inverse(lattice.A).flat());
  let total = 0, n = 0;
  for (let i = 0; i < facts.n; i++) {
    const m = toIndex[columns.lattice[i]];
    if (!m) continue;
    const x = rlp[3 * i], y = rlp[3 * i + 1], z = rlp[3 * i + 2];
    for (let j = 0; j < 3; j++) {
      const off = m[3 * j] * x + m[3 * j + 1] * y + m[3 * j + 2] * z - columns.hkl[3 * i + j];
      total += off * off;
    }
    n++;
  }
  return Math.sqrt(total / (3 * n));
}

// All points brought into the one reciprocal cell around the origin, by whole indices of a lattice.
export function foldedIntoCell(rlp, A) {
  const folded = residues(rlp, A);
  for (let i = 0; i < folded.length; i += 3) {
    folded.set(applied(A, [folded[i], folded[i + 1], folded[i + 2]]), i);
  }
  return folded;
}

// 1/d of every point, 1/Angstrom.
export function lengths(rlp) {
  const result = new Float32Array(rlp.length / 3);
  for (let i = 0; i < result.length; i++) {
    result[i] = Math.sqrt(rlp[3 * i] ** 2 + rlp[3 * i + 1] ** 2 + rlp[3 * i + 2] ** 2);
  }
  return result;
}
