// Colour maps: 256 colours from the lowest to the highest count.

const STOPS = {
  grey: [[0, 0, 0], [255, 255, 255]],
  inverted: [[255, 255, 255], [0, 0, 0]],
  heat: [[0, 0, 0], [90, 0, 60], [190, 20, 20], [250, 140, 0], [255, 230, 80], [255, 255, 255]],
  viridis: [[68, 1, 84], [71, 45, 123], [59, 82, 139], [44, 114, 142], [33, 145, 140], [40, 174, 128], [94, 201, 98],
    [173, 220, 48], [253, 231, 37]],
};
export const NAMES = Object.keys(STOPS);

const isDark = matchMedia("(prefers-color-scheme: dark)");

// The map of a name; without one, bright spots on a dark page and dark spots on a bright one.
export function colourMap(name) {
  const stops = STOPS[name] ?? STOPS[isDark.matches ? "grey" : "inverted"];
  const map = new Uint8Array(256 * 4);
  for (let n = 0; n < 256; n++) {
    const at = (n / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let k = 0; k < 3; k++) map[4 * n + k] = Math.round(stops[low][k] + (at - low) * (stops[low + 1][k] - stops[low][k]));
    map[4 * n + 3] = 255;
  }
  return map;
}

export const whenTurned = (listener) => isDark.addEventListener("change", listener);

// A colour of the page, by the name of its variable.
export function ofPage(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The same as three numbers of 0 to 255.
export function parts(colour) {
  const digits = colour.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) || 0);
}
