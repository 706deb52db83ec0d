// The colours of the style sheet, as canvases need them.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** name : of a variable without its dashes, or the number of a colour of plots; alpha : opacity, 0 to 1 */
export function colour(name, alpha = 1) {
  const variable = typeof name === "number" ? `--c${name % 6}` : `--${name}`;
  const found = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  return alpha < 1 ? found + Math.round(255 * alpha).toString(16).padStart(2, "0") : found;
}

export function whenColoursChange(act) {
  dark.addEventListener("change", act);
}
