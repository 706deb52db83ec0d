// Times that go on: how long something has been under way, by the server's clock.

let ahead = 0; // seconds by which this machine's clock is ahead of the server's

/** now: seconds since 1970 by the server, as the page was made. */
export function setClock(now) {
  const since = performance.now() / 1000 + performance.timeOrigin / 1000 - now;
  ahead = Math.abs(since) > 30 ? since : 0; // less is the time that the page took to come
}

function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Let every <time class="elapsed" data-since> of the page tick. */
export function keepTicking() {
  const tick = () => {
    if (document.hidden) return;
    const now = Date.now() / 1000 - ahead;
    for (const one of document.querySelectorAll("time.elapsed")) one.textContent = elapsed(now - Number(one.dataset.since));
  };
  tick();
  setInterval(tick, 1000);
}
