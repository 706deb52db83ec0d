// A log that is read on while it grows. Whoever has scrolled up is left where they are.

const PAUSE = 1000; // milliseconds between two looks: people read no faster
const MOST = 2_000_000; // characters kept; what is before is in the file

/** log : the element; address : of its text from a byte on; run : the attempt that the page shows */
export function tail(log, address, run) {
  log.scrollTop = log.scrollHeight;
  if (!("growing" in log.dataset)) return;
  let end = Number(log.dataset.end);
  const look = async () => {
    try {
      const answer = await fetch(`${address}?from=${end}`);
      const part = answer.ok ? await answer.json() : {};
      if (String(part.run) === run && part.text) {
        const isAtEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 30;
        log.textContent = (log.textContent + part.text).slice(-MOST);
        end = part.end;
        if (isAtEnd) log.scrollTop = log.scrollHeight;
      }
      if (part.is_growing === false) return;
    } catch { /* the server is away: it may come back */ }
    setTimeout(look, document.hidden ? 5 * PAUSE : PAUSE);
  };
  setTimeout(look, PAUSE);
}
