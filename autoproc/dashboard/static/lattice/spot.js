// What is known of one spot, with the way to its image.
const ZOOM = 8;

export function factsOf({ facts, columns }, rlpLength, i) {
  const sweep = facts.sweeps[columns.sweep[i]], lattice = columns.lattice[i];
  const three = columns.hkl.subarray(3 * i, 3 * i + 3);
  return {
    row: columns.row[i], image: sweep.images[0] + Math.floor(columns.frame[i]),
    x: columns.xy[2 * i], y: columns.xy[2 * i + 1], panel: columns.panel[i], sweep: columns.sweep[i],
    several: sweep.n_panels > 1, d: 1 / rlpLength[i], intensity: columns.intensity[i],
    lattice: lattice < 0 ? null : facts.lattices[lattice].name || lattice + 1, hkl: lattice < 0 ? null : [...three],
  };
}

export function imageLink(sweep, stage, spot) {
  const asked = new URLSearchParams({ stage, image: spot.image, row: spot.row });
  // with several panels the viewer of images knows where on its picture they are
  if (!spot.several) Object.entries({ x: spot.x.toFixed(1), y: spot.y.toFixed(1), zoom: ZOOM }).forEach((one) => asked.set(...one));
  if (spot.sweep) asked.set("sweep", spot.sweep);
  return `${sweep}/images?${asked}`;
}

export const inWords = (spot) =>
  `${spot.hkl ? spot.hkl.join(" ") : "not indexed"}   ${spot.d.toFixed(2)} Å   image ${spot.image}`;

export function showSpot(place, spot, link) {
  const rows = [
    ["lattice", spot.lattice ?? "none"], ["d", `${spot.d.toFixed(3)} Å`],
    ["image", spot.image], ["at", `${spot.x.toFixed(1)}, ${spot.y.toFixed(1)} px${spot.several ? `, panel ${spot.panel}` : ""}`],
    ["intensity", Number.isFinite(spot.intensity) ? Math.round(spot.intensity).toLocaleString("en") : "not known"],
  ];
  const list = document.createElement("dl");
  for (const [name, value] of rows) list.append(element("dt", name), element("dd", String(value)));
  const way = element("a", `Open image ${spot.image} there`);
  way.href = link;
  place.replaceChildren(element("h2", spot.hkl ? spot.hkl.join(" ") : "Not indexed"), list, way);
  place.hidden = false;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
