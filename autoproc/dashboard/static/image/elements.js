// Making elements of the page.

export function element(name, properties = {}, ...children) {
  const { data, aria, ...own } = properties;
  const made = Object.assign(document.createElement(name), own);
  for (const [key, value] of Object.entries(data ?? {})) made.dataset[key] = value;
  for (const [key, value] of Object.entries(aria ?? {})) made.setAttribute(key === "role" ? key : `aria-${key}`, value);
  made.append(...children);
  return made;
}

export const terms = (pairs) => pairs.flatMap(([name, words]) => [
  element("dt", { textContent: name }), element("dd", { textContent: words }),
]);

const SVG = "http://www.w3.org/2000/svg";

export function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A number as it is read: four digits, or whole.
export function figure(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "";
  return Math.abs(value) >= 10 ** (digits - 1) ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

// The image of the n-th of some reflections, and where they are of several sweeps, which.
export function imageOf({ image, sweep }, n, { state, dataSets }) {
  return sweep.some((one) => one !== state.sweep) ? `${image[n]} of ${dataSets[sweep[n]]}` : image[n];
}
