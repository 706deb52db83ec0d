// The visit's page, alive: what happens is shown where it stands, and links change the list without loading the page.
import { follow } from "./events.js";
import { keepTicking, setClock } from "./clock.js";
import { makeSwappable } from "./swap.js";
import { askWithoutLeaving } from "./ask.js";

const visit = document.querySelector("#visit");
const PAGE = 100;

const element = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
};

const isPlain = () => visit.querySelector("#rows").dataset.plain === "yes"; // all sweeps, the latest first

/** Put a sweep's row in the place of the one there; returns "missing" where there is none, else "turned" or "same". */
function replaceRow(row) {
  const there = visit.querySelector(`#rows tr[data-id="${row.id}"]`);
  if (!there) return "missing";
  const made = element(row.html);
  const [before, now] = [there.querySelector(".picture img"), made.querySelector(".picture img")];
  if (before && now && before.getAttribute("src") === now.getAttribute("src")) now.replaceWith(before);
  const open = there.querySelector("details[open]");
  if (open) made.querySelector("details")?.setAttribute("open", "");
  const hadFocus = there.contains(document.activeElement);
  const placed = made.firstElementChild;
  const isOther = !there.classList.contains(`is-${row.state}`);
  if (isOther) placed.classList.add("has-changed");
  there.replaceWith(placed);
  if (isPlain() && placed.matches(".is-running") && !there.matches(".is-running")) placed.parentElement.prepend(placed);
  if (hadFocus) placed.querySelector(open ? "summary" : ".name a")?.focus();
  return isOther ? "turned" : "same";
}

/** A sweep that is new goes to the top of the list of all, and the last leaves it. */
function addRow(row) {
  const rows = visit.querySelector("#rows");
  rows.querySelector(".nothing")?.remove();
  const made = element(row.html);
  made.firstElementChild.classList.add("has-changed");
  rows.prepend(made);
  while (rows.children.length > PAGE) rows.lastElementChild.remove();
}

const written = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

/** How many of all sweeps are shown, as the server writes it below the list. */
function countShown(all) {
  const number = document.createElement("b");
  number.textContent = written(all);
  const shown = visit.querySelectorAll("#rows .sweep").length;
  visit.querySelector(".sheets span").replaceChildren(...(shown ? [`1 to ${written(shown)} of `, number] : []));
}

function show(news) {
  let lacksView = false; // one of which there was no sweep has none to count them: the server draws it
  for (const [view, number] of Object.entries(news.counts)) {
    const counter = visit.querySelector(`[data-count="${view}"] b`);
    if (counter) counter.textContent = written(number);
    else lacksView ||= number > 0;
  }
  visit.querySelector("#arriving").replaceChildren(element(news.coming.html));
  const atWork = document.querySelector("#at-work");
  atWork.classList.toggle("is-attended", news.is_attended);
  if (atWork.textContent !== news.at_work) atWork.textContent = news.at_work;
  const became = new Map(news.rows.map((row) => [row, replaceRow(row)]));
  const others = news.rows.filter((row) => became.get(row) !== "same");
  if (isPlain()) {
    others.filter((row) => became.get(row) === "missing").sort((a, b) => a.id - b.id).forEach(addRow);
    countShown(news.counts.all);
  }
  if (lacksView || (!isPlain() && others.length)) swap.soon(); // whether they belong into the list is the server's to say
}

setClock(Number(visit.dataset.now));
keepTicking();
const swap = makeSwappable(visit);
askWithoutLeaving(document.querySelector("#ask"));
follow(Number(visit.dataset.number), { sweeps: show, reload: swap.now, lost: (isLost) => { document.querySelector("#lost").hidden = !isLost; } });
