// The reciprocal lattice viewer: points, controls and the address, joined.
import { Controls } from "./controls.js";
import { Glance } from "./glance.js";
import { IDENTITY } from "./matrix.js";
import { readMessage } from "./message.js";
import { meanOff } from "./models.js";
import { between, lookDown } from "./orientation.js";
import { factsOf, imageLink, inWords, showSpot } from "./spot.js";
import { beginning, searchOf, stateOf } from "./state.js";
import { Turning } from "./turn.js";
import { Viewer } from "./viewer.js";

const WAY = 350; // ms of a turn to another view
const REACH = 100; // px from the middle within which the key Enter finds a spot
const OFTEN = 10_000; // ms after which one looks whether the files are others
const page = document.querySelector("#lattice");
const said = page.querySelector(".said");
const state = stateOf(location.search);
const stage = page.dataset.stage;
const pointsAddress = `${location.pathname}/points?stage=${encodeURIComponent(stage)}`;

if (stage) begin().catch((error) => (said.textContent = error.message));

async function begin() {
  const answer = await fetch(pointsAddress);
  if (!answer.ok) throw new Error(await answer.text());
  const message = readMessage(await answer.arrayBuffer());
  said.textContent = message.facts.n ? "" : "No spot of this table was observed.";
  if (!message.facts.lattices[state.of]) state.of = 0;
  const viewer = new Viewer(page.querySelector(".view"), message, state);
  const glance = new Glance(document.querySelector("#glance"), message);
  const chosen = () => {
    viewer.choose();
    glance.soon(viewer.chosen, state);
    sayOff();
    count(viewer, message);
    remember();
  };
  let measured;
  const sayOff = () => {
    if (measured === viewer.chosen.placed) return;
    measured = viewer.chosen.placed;
    controls.sayOff(meanOff(viewer.chosen.rlp, message));
  };
  const key = (name) => look(name, viewer, controls, chosen);
  const controls = new Controls(document.querySelector("#controls"), message, state, {
    chosen, turned: key, key: () => location.assign(`?${searchOf(state)}`),
  });
  new Turning(page.querySelector(".hand"), {
    state, key, camera: () => viewer.camera, changed: () => { viewer.draw(); remember(); },
    click: (x, y) => choose(viewer, message, viewer.at(x, y)),
    middle: (x, y) => choose(viewer, message, viewer.at(x, y, REACH)),
  });
  count(viewer, message);
  glance.soon(viewer.chosen, state);
  sayOff();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => glance.soon(viewer.chosen, state));
  for (const button of document.querySelectorAll("[data-lost]")) {
    button.addEventListener("click", () => {
      Object.assign(state, { spots: "unindexed", pan: [0, 0], frame: "laboratory" });
      controls.write();
      chosen();
      key(button.dataset.lost);
    });
  }
  sayUnder(viewer, message);
  if (viewer.spot !== undefined) choose(viewer, message, viewer.spot);
  follow(answer.headers.get("etag"));
}

// The same view of new spots, when the files have changed.
function follow(version) {
  const asked = { headers: { "if-none-match": version } };
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(pointsAddress, asked).catch(() => null);
    if (answer?.status === 200) location.reload();
  }, OFTEN);
}

// What is under the pointer.
function sayUnder(viewer, message) {
  const hand = page.querySelector(".hand"), under = page.querySelector(".under");
  let wanted;
  hand.addEventListener("pointermove", ({ offsetX, offsetY, buttons }) => {
    if (wanted || buttons) return;
    wanted = requestAnimationFrame(() => {
      wanted = undefined;
      const i = viewer.at(offsetX, offsetY);
      under.textContent = i === undefined ? "" : inWords(factsOf(message, viewer.chosen.length, i));
    });
  });
  hand.addEventListener("pointerleave", () => (under.textContent = ""));
}

function look(name, viewer, controls, chosen) {
  const { basis } = viewer, three = "abc".indexOf(name), lab = "xyz".indexOf(name);
  const way = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : WAY;
  if (three >= 0 && basis) turnTo(viewer, lookDown(basis[three], basis[(three + 1) % 3]), way);
  else if (lab >= 0) turnTo(viewer, lookDown(IDENTITY[lab], IDENTITY[(lab + 1) % 3]), way);
  else if (/^[1-9u]$/.test(name)) {
    if (!controls.toggle(name === "u" ? "none" : String(Number(name) - 1))) return false;
  } else if (name === "0") {
    Object.assign(state, { ...beginning(), stage: state.stage });
    controls.write();
    chosen();
  } else return false;
  return true;
}

function turnTo(viewer, wanted, way) {
  const from = state.turn, start = performance.now();
  const step = (now) => {
    const t = way ? Math.min((now - start) / way, 1) : 1, eased = t * t * (3 - 2 * t);
    state.turn = t < 1 ? between(from, wanted, Math.max(eased, 0)) : wanted;
    viewer.draw();
    if (t < 1) requestAnimationFrame(step);
    else remember();
  };
  step(start);
}

function count(viewer, { facts }) {
  const n = viewer.which.length.toLocaleString("en"), all = facts.n.toLocaleString("en");
  const thinned = facts.n < facts.n_spots && facts.n_spots > 2 * facts.n ? `, of ${facts.n_spots.toLocaleString("en")}` : "";
  document.querySelector("#shown").value = `${n} of ${all} shown${thinned}`;
}

function choose(viewer, message, i) {
  const place = document.querySelector("#spot");
  place.hidden = i === undefined;
  state.row = i === undefined ? null : message.columns.row[i];
  viewer.draw();
  remember();
  if (i === undefined) return;
  const spot = factsOf(message, viewer.chosen.length, i);
  showSpot(place, spot, imageLink(page.dataset.sweep, stage, spot));
}

let waiting;
function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const asked = searchOf(state);
    history.replaceState(null, "", asked ? `?${asked}` : location.pathname);
  }, 200);
}
