// Facts that change every second, asked for again and again while somebody looks.

const RARER = 10; // times the pause, where there is nothing any more: it may come again
const PATIENCE = 4000; // milliseconds without an answer after which that is said

/** Ask an address every so many milliseconds; told: { changed(facts), gone(), lost(isLost) }; isWanted : whether to ask now */
export function poll(address, pause, told, isWanted = () => true) {
  let mark = null, isGone = false, heard = performance.now();

  async function look() {
    if (document.hidden || !isWanted()) return;
    const answer = await fetch(address, { cache: "no-cache" }).catch(() => null);
    if (answer && answer.status < 500) {
      heard = performance.now();
      told.lost(false);
    } else if (performance.now() - heard > PATIENCE) told.lost(true);
    isGone = answer?.status === 404;
    if (isGone) { mark = null; told.gone(); }
    if (!answer?.ok) return;
    const now = answer.headers.get("etag");
    if (now === mark) return;
    mark = now;
    told.changed(await answer.json());
  }
  async function again() {
    await look().catch(() => {}); // half an answer: the next is whole
    setTimeout(again, isGone ? RARER * pause : pause);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { heard = performance.now(); look().catch(() => {}); } });
  again();
}
