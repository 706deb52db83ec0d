// Curves of several results over each other, alive.
import { enliven } from "./plots.js";

const { query } = document.querySelector(".compare").dataset;
if (document.querySelector("figure[data-figure]")) enliven(`/compare/plots.json?${query}`, "");
