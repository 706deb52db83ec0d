// A page that is not written any more tells of a program that is gone. The clock that wrote it need not be ours: once
// the page was seen to change, only the time since then counts.
function watchOver(written, silence) {
  const key = "autoproc " + location.pathname;
  function isSilent() {
    const now = Date.now() / 1000;
    let seen = null;
    try { seen = JSON.parse(sessionStorage.getItem(key)); } catch { /* no storage: the first look is the only one */ }
    if (!seen || seen.written !== written) {
      seen = { written, since: now, hasMoved: seen !== null };
      try { sessionStorage.setItem(key, JSON.stringify(seen)); } catch { /* as above */ }
    }
    const here = now - seen.since;
    return (seen.hasMoved ? here : Math.max(here, now - written)) > silence;
  }
  function judge() {
    if (isSilent()) document.body.classList.add("stopped");
  }
  judge();
  setInterval(judge, 1000);
}
