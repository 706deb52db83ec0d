// Everything that a view shows, as it stands in the address: what is as at the beginning is left out.
const BEGINNING = {
  stage: "", turn: [1, 0, 0, 0], zoom: 1, pan: [0, 0], colour: "lattice", size: 3, slab: 1, off: [], spots: "all",
  high: null, low: null, images: null, frame: "laboratory", of: 0, fold: false,
  axes: true, cell: true, ice: false, beam: [0, 0], distance: 0, row: null,
};
const LISTS = { turn: 4, pan: 2, images: 2, beam: 2 };
const CHOICES = {
  colour: ["lattice", "indexed", "intensity", "image"],
  spots: ["all", "indexed", "unindexed"],
  frame: ["laboratory", "crystal"],
};
const LIMITS = { zoom: [0.05, 2000], size: [1, 12], slab: [0.002, 1], of: [0, 32767] };
const LARGEST = 2 ** 32; // rows of a table are fewer

export const beginning = () => structuredClone(BEGINNING);

export function stateOf(search) {
  const state = beginning();
  const asked = new URLSearchParams(search);
  for (const key of Object.keys(BEGINNING)) {
    const value = asked.has(key) ? read(key, asked.get(key)) : undefined;
    if (value !== undefined) state[key] = value;
  }
  return state;
}

export function searchOf(state) {
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    const text = written(value);
    if (text !== written(BEGINNING[key])) asked.set(key, text);
  }
  return asked.toString();
}

function read(key, text) {
  if (key === "off") return text.split(",").filter((name) => /^(\d{1,5}|none)$/.test(name));
  if (key in CHOICES) return CHOICES[key].includes(text) ? text : undefined;
  if (typeof BEGINNING[key] === "boolean") return text === "1";
  if (key in LISTS) {
    const numbers = text.split(",").map(number);
    return numbers.length === LISTS[key] && !numbers.includes(undefined) ? numbers : undefined;
  }
  if (key === "stage") return text;
  const value = number(text);
  if (value === undefined || !(key in LIMITS)) return value;
  return Math.min(Math.max(value, LIMITS[key][0]), LIMITS[key][1]);
}

function number(text) {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && Math.abs(value) <= LARGEST ? value : undefined;
}

function written(value) {
  if (Array.isArray(value)) return value.map(written).join(",");
  if (typeof value === "boolean") return value ? "1" : "0";
  if (Number.isInteger(value)) return String(value); // a row, or an image: which one
  if (typeof value === "number") return String(Number(value.toPrecision(5)));
  return value ?? "";
}
