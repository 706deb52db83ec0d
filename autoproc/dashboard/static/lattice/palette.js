// Which colour each point has: a number into a palette of up to 256 colours, all taken from the style sheet.
const RAMP = 64;
const RAMPS = { intensity: ["--c5", "--c0", "--c2", "--c4", "--c1"], image: ["--c0", "--c2", "--c4", "--c1", "--c3"] };
const LATTICES = ["--c0", "--c1", "--c2", "--c3", "--c4"];
const UNINDEXED = "--c5";

export const nameOfLattice = (number) => LATTICES[number % LATTICES.length];
export const nameOfUnindexed = UNINDEXED;

// {colours: [[r, g, b]], numbers: Uint8Array}
export function palette(kind, { facts, columns }) {
  const numbers = new Uint8Array(facts.n);
  if (kind in RAMPS) {
    const values = kind === "image" ? columns.frame : columns.intensity;
    fillRamp(numbers, values, kind === "intensity");
    return { colours: ramp(RAMPS[kind].map(colour)), numbers };
  }
  const several = kind === "lattice";
  for (let i = 0; i < facts.n; i++) {
    const lattice = columns.lattice[i];
    numbers[i] = lattice < 0 ? 0 : several ? 1 + (lattice % LATTICES.length) : 1;
  }
  // seen by being indexed, what is not stands out
  const names = several ? [UNINDEXED, ...LATTICES] : ["--c1", "--c0"];
  return { colours: names.map(colour), numbers };
}

export function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const hex = /^#([0-9a-f]{6})$/i.exec(text);
  const value = hex ? parseInt(hex[1], 16) : 0x808080;
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export const css = ([r, g, b], opacity = 1) => `rgb(${r} ${g} ${b} / ${opacity})`;

function ramp(stops) {
  return Array.from({ length: RAMP }, (_, n) => {
    const place = (n / (RAMP - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((x, k) => Math.round(x + (place - low) * (stops[low + 1][k] - x)));
  });
}

// From the lowest to the highest; intensities by their logarithm, between the 2nd and the 98th of a hundred.
function fillRamp(numbers, values, byLogarithm) {
  const f = byLogarithm ? (x) => (x > 1 ? Math.log(x) : 0) : (x) => x;
  const step = Math.ceil(values.length / 10000) || 1;
  const some = Float32Array.from({ length: Math.floor((values.length - 1) / step) + 1 }, (_, i) => f(values[i * step]));
  some.sort();
  const margin = byLogarithm ? 0.02 : 0;
  const low = some[Math.floor(margin * (some.length - 1))], high = some[Math.ceil((1 - margin) * (some.length - 1))];
  const scale = (RAMP - 1) / (high - low || 1);
  for (let i = 0; i < values.length; i++) {
    numbers[i] = Math.min(Math.max((f(values[i]) - low) * scale, 0), RAMP - 1) || 0;
  }
}
