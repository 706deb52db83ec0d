// Small curves without axes: the run of a number, its latest value in words beside it.

const SVG = "http://www.w3.org/2000/svg", WIDTH = 200, HEIGHT = 40;

const made = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

/** An SVG of a chart's curves; dark : stretches of images without beam, drawn as gaps in the ground. */
export function spark({ series, y_limits }, dark) {
  const svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" });
  const x = series[0].x, values = series.flatMap(({ y }) => y).filter((value) => value !== null);
  if (!values.length) return svg;
  const [first, span] = [x[0], x.at(-1) - x[0] || 1];
  const low = y_limits[0] ?? Math.min(...values), high = Math.max(...values);
  const across = (image) => (WIDTH * (image - first)) / span;
  const up = (value) => HEIGHT - 2 - ((HEIGHT - 4) * (value - low)) / (high - low || 1);
  for (const [from, to] of dark) {
    const left = across(Math.max(from - 0.5, first));
    svg.append(made("rect", { class: "dark", x: left, y: 0, width: Math.max(1, across(to + 0.5) - left), height: HEIGHT }));
  }
  for (const { y, colour } of series) {
    svg.append(made("path", { class: `line c${colour}`, "vector-effect": "non-scaling-stroke", d: path(x, y, across, up) }));
  }
  return svg;
}

function path(x, y, across, up) {
  let d = "", isDown = false;
  y.forEach((value, n) => {
    if (value === null) { isDown = false; return; }
    d += `${isDown ? "L" : "M"}${across(x[n]).toFixed(1)} ${up(value).toFixed(1)}`;
    isDown = true;
  });
  return d;
}
