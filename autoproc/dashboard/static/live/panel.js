// A sweep that is being collected: its verdict in large, how far it is, and what else is to be known.
import { amount, remarks, verdict } from "./words.js";

/** Show facts in a panel (live_panel.html). */
export function fill(panel, facts) {
  const part = (name) => panel.querySelector(`[data-part=${name}]`);
  const say = (name, words) => { if (part(name).textContent !== words) part(name).textContent = words; };
  const { light, lamp, words, after } = verdict(facts);
  part("signal").className = `signal ${lamp}`;
  say("light", light);
  say("name", facts.sweep || facts.name);
  const name = part("name");
  if (name.matches("a")) name.href = facts.sweep ? `/sweeps/${encodeURIComponent(facts.sweep)}` : `/live/${facts.key}`;
  say("verdict", words[0]);
  say("more", [...words.slice(1), after].filter(Boolean).join("; "));
  const { n, of, share } = amount(facts);
  say("n", n);
  say("of", of);
  part("bar").hidden = share === null;
  part("bar").value = share ?? 0;
  part("remarks").replaceChildren(...remarks(facts).map(({ lamp: grave, text }) => {
    const line = document.createElement("li");
    line.className = grave;
    line.textContent = text;
    return line;
  }));
}
