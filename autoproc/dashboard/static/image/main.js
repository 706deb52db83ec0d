// The page of the image viewer.
import { Source } from "./source.js";
import { State } from "./state.js";
import { Viewer, say } from "./viewer.js";

async function begin() {
  const state = new State();
  const source = new Source(document.querySelector("#viewer").dataset.base, state);
  const facts = await source.facts();
  const isPlaced = state.x !== null || state.image !== null; // else the chosen reflection says where to look
  const [first, last] = facts.images;
  state.stage = facts.stage;
  state.image = Math.min(Math.max(state.image ?? first, first), last);
  if (!facts.views.includes(state.view)) state.view = "counts";
  const viewer = new Viewer(state, source, facts);
  window.viewer = viewer; // for who wants to look inside
  await viewer.begin(isPlaced);
}

begin().catch((error) => say(error.message));
