// The events of the server, from a number on; while nobody sees the page it does not listen, and catches up afterwards.

const PATIENCE = 4000; // milliseconds without a connection after which that is said

/** Follow the events after a number; told: { sweeps(news), reload(), lost(isLost) }. */
export function follow(number, told) {
  let last = number, events = null, timer = 0;

  const seen = (event) => { last = Number(event.lastEventId) || last; };
  const isHeard = () => { clearTimeout(timer); timer = 0; told.lost(false); };
  const isNotHeard = () => { timer ||= setTimeout(() => told.lost(true), PATIENCE); };

  function open() {
    events = new EventSource(`/api/events?after=${last}`);
    events.addEventListener("open", isHeard);
    events.addEventListener("sweeps", (event) => { seen(event); told.sweeps(JSON.parse(event.data)); });
    events.addEventListener("reload", (event) => { seen(event); told.reload(); });
    events.addEventListener("error", () => {
      isNotHeard();
      if (events.readyState === EventSource.CLOSED) setTimeout(() => { if (events) open(); }, 3000); // refused: it would not come back by itself
    });
  }
  function close() { events?.close(); events = null; }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!events) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", () => { if (!events && !document.hidden) open(); });
  if (!document.hidden) open();
}
