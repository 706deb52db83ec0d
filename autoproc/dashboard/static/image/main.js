// The page of the image viewer: puts its parts together.
import { whenTurned } from "./colours.js";
import { Contrast } from "./contrast.js";
import { Controls } from "./controls.js";
import { Cursor } from "./cursor.js";
import { Geometry } from "./geometry.js";
import { listen } from "./gestures.js";
import { LineProfile } from "./line.js";
import { drawAxis, drawBeam, drawIce, drawRings } from "./overlays.js";
import { Picture } from "./picture.js";
import { Player } from "./play.js";
import { Predictions } from "./predictions.js";
import { ReflectionList } from "./list.js";
import { ReflectionPanel } from "./reflection.js";
import { Source } from "./source.js";
import { Spots } from "./spots.js";
import { SEARCH, State } from "./state.js";
import { Untrusted } from "./untrusted.js";
import { View } from "./view.js";

const $ = (selector) => document.querySelector(selector);
const base = $("#viewer").dataset.base;
const state = new State();
const say = (words) => { $("#trouble").textContent = words ?? ""; $("#trouble").hidden = !words; };

async function begin() {
  const source = new Source(base, state);
  const facts = await source.facts();
  const [first, last] = facts.images;
  state.stage = facts.stage;
  const isPlaced = state.image !== null; // else the chosen reflection says where to look
  state.image = Math.min(Math.max(state.image ?? first, first), last);
  if (!facts.views.includes(state.view)) state.view = "counts";
  const view = new View(state, [facts.levels[0][1], facts.levels[0][0]]);
  const geometry = new Geometry(facts);
  const picture = new Picture({ canvas: $("#picture"), state, facts, view, address: source.tileAddress });
  const spots = new Spots({ address: source.reflectionsAddress, changed: () => { drawOver(); controls.tellSpots(); } });
  const player = new Player({ state, picture, images: facts.images, button: $("#play") });
  const contrast = new Contrast({ canvas: $("#histogram"), low: $("#low"), high: $("#high"), state, unit: () => picture.look.step });
  let now = { settings: [] };
  const cursor = new Cursor({ element: $("#cursor"), picture, view, geometry, state, settings: () => now.settings });
  const panel = new ReflectionPanel({ state, source, spots, say });
  const list = new ReflectionList({ state, source, panel, spots, say });
  const note = (words) => { $("#note").textContent = words ?? ""; };
  const predictions = new Predictions({ address: source.predictionsAddress, changed: () => drawOver(), say: note });
  const untrusted = new Untrusted({ ask: () => source.untrusted(), changed: () => drawOver(), say: note });
  const line = new LineProfile({ state, source, say });
  const controls = new Controls({ state, facts, spots, player, contrast, view, picture, panel, list });

  const pen = $("#over").getContext("2d");
  function drawOver() {
    const ratio = picture.ratio ?? 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    if (state.shows("ice")) drawIce(pen, view, geometry);
    if (state.shows("rings")) drawRings(pen, view, geometry);
    if (state.shows("axis")) drawAxis(pen, view, geometry);
    if (state.shows("shadow")) untrusted.drawShadow(pen, view);
    if (state.shows("hot")) untrusted.drawHot(pen, view);
    spots.draw(pen, view, state);
    if (state.shows("predictions")) predictions.draw(pen, view, state.shows("hkl"));
    line.draw(pen, view);
    if (state.shows("beam")) drawBeam(pen, view, geometry);
  }

  // What is shown over the image and is not there yet.
  function want() {
    if (state.shows("shadow") || state.shows("hot")) untrusted.want();
    predictions.show(state.shows("predictions") ? picture.shown : null);
  }

  function colour() {
    const level = picture.level;
    if (now.limits) contrast.show(now.histogram, now.limits[level]);
    const [low, high] = contrast.limits;
    Object.assign(picture.look, { low, high });
    picture.redraw();
  }

  async function show() {
    const name = source.picture(state.image);
    picture.ahead = player.ahead.map((image) => source.picture(image));
    picture.show(name);
    controls.tellImage();
    try {
      const facts = await source.image(name);
      if (source.picture(state.image) !== name) return;
      say("");
      const isFirst = !now.limits || now.kind !== source.kind;
      now = { ...facts, limits: isFirst ? facts.limits : now.limits, kind: source.kind };
      Object.assign(picture.look, { step: facts.step, lowest: facts.lowest });
      colour();
      controls.tellFile(facts.file);
    } catch (error) {
      say(error.message);
    }
  }

  state.addEventListener("change", ({ detail: keys }) => {
    if (["image", "stack", "how", "view", ...SEARCH].some((key) => keys.has(key))) show();
    if (["low", "high", "zoom"].some((key) => keys.has(key))) colour();
    if (keys.has("colours")) picture.recolour();
    if (keys.has("stage")) location.assign(state.address);
    if (keys.has("show") || keys.has("row")) drawOver();
    if (keys.has("show")) want();
    if (keys.has("line")) line.show(picture.shown);
    if (keys.has("row")) list.mark();
    if (keys.has("row") && state.row === null) panel.show();
    controls.tell();
    picture.redraw();
  });
  picture.addEventListener("drawn", () => { drawOver(); cursor.tell(); });
  picture.addEventListener("whole", ({ detail }) => { $("#viewer").dataset.whole = detail.picture; });
  picture.addEventListener("shown", ({ detail }) => {
    spots.show(facts.tables.length ? detail.picture : null);
    line.show(detail.picture);
    want();
  });
  picture.addEventListener("failed", ({ detail }) => detail.picture === picture.wanted && say(detail.words));
  whenTurned(() => { picture.recolour(); contrast.draw(); });

  listen($("#over"), view, {
    hover: (at) => cursor.move(at),
    click: (at) => controls.choose(spots.near(at, view, state)),
    keys: controls.keys,
    line: {
      get isHeld() { return line.isHeld; },
      drag: (...ends) => state.change({ line: ends.flatMap((end) => view.toImage(end)).map((value) => value.toFixed(1)).join(",") }),
    },
  });
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = $("#screen");
    picture.fitCanvas(clientWidth, clientHeight);
    Object.assign($("#over"), { width: $("#picture").width, height: $("#picture").height });
    colour();
    controls.tell();
  }).observe($("#screen"));
  controls.tell();
  await show();
  if (facts.tables.includes(state.stage)) list.show();
  if (state.row !== null) panel.show(!isPlaced);
  Object.assign(window, { viewer: { state, view, picture, spots } }); // for who wants to look inside
}

begin().catch((error) => say(error.message));
