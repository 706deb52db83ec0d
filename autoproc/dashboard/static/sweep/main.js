// The page of a sweep, alive: plots that answer, the log as it grows, what its worker is at.
import { enliven } from "./plots.js";
import { follow } from "./follow.js";
import { tail } from "./log.js";

const sweep = document.querySelector("#sweep");
const { here, run, processing } = sweep.dataset;
const query = processing ? `?processing=${processing}` : "";
if (document.querySelector("figure[data-figure]")) enliven(`${here}/files/plots.json${query}`, processing ? "" : here);
follow(sweep.dataset);
const log = document.querySelector("pre.log");
if (log) tail(log, `${here}/log`, run);
