// What happens to one sweep, from the events of all: its words as they change, the page anew where its state does.
import { setClock, keepTicking } from "../clock.js";
import { follow as listen } from "../events.js";

/** sweep : the page's facts, { id, number, state, run, now } as text */
export function follow({ id, number, state, run, now }) {
  setClock(Number(now));
  keepTicking();
  const anew = () => location.reload();
  const sweeps = ({ rows }) => {
    const row = rows.find((one) => String(one.id) === id);
    if (!row) return;
    const words = document.querySelector("#words");
    if (row.state !== state || String(row.run) !== run || !words) anew();
    else words.textContent = row.words;
  };
  const lost = (isLost) => document.querySelector("#sweep").classList.toggle("lost", isLost);
  listen(Number(number), { sweeps, reload: anew, lost });
}
