// Links and forms that change the list: its part of the page is swapped, and the address with it.

const PAUSE = 200; // milliseconds after the last letter
const SOON = 5000; // between two looks at a list that others change

/** Links of a place with the page's own path, and its form, swap it; returns { now(), soon() } that look again. */
export function makeSwappable(place) {
  let asked = 0, pause = 0, later = 0;

  async function load(search, { isNew, keepsFocus } = {}) {
    const mine = ++asked;
    const answer = await fetch(`/list${search}`, { headers: { accept: "text/html" } }).catch(() => null);
    if (mine !== asked) return; // another was asked for since
    if (!answer?.ok) { if (isNew) location.assign(`/${search}`); return; }
    const text = await answer.text();
    if (mine !== asked) return;
    const box = place.querySelector("input[type=search]");
    const typed = document.activeElement === box ? { value: box.value, at: box.selectionStart } : null;
    place.innerHTML = text;
    if (isNew) history.pushState(null, "", `/${search}`);
    document.querySelector("#ask [name=back]").value = `/${search}`;
    if (typed && keepsFocus) {
      const next = place.querySelector("input[type=search]");
      next.value = typed.value;
      next.focus();
      next.setSelectionRange(typed.at, typed.at);
    }
  }

  function searchOf(form) {
    const pairs = [...new FormData(form)].filter(([, value]) => value);
    return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
  }

  place.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || link.origin !== location.origin || link.pathname !== "/") return;
    event.preventDefault();
    const [name, isSheet] = [link.closest("th") && link.textContent, link.closest(".sheets")];
    load(link.search, { isNew: true }).then(() => {
      if (isSheet) scrollTo(0, 0);
      if (name) [...place.querySelectorAll("thead a")].find((one) => one.textContent === name)?.focus();
    });
  });
  place.addEventListener("submit", (event) => {
    if (!event.target.matches(".find")) return;
    event.preventDefault();
    load(searchOf(event.target), { isNew: true, keepsFocus: true });
  });
  place.addEventListener("input", (event) => {
    const form = event.target.closest(".find");
    if (!form) return;
    clearTimeout(pause);
    pause = setTimeout(() => load(searchOf(form), { isNew: true, keepsFocus: true }), PAUSE);
  });
  addEventListener("popstate", () => load(location.search));

  const now = () => load(location.search, { keepsFocus: true });
  const soon = () => { later ||= setTimeout(() => { later = 0; if (!place.querySelector("details[open]")) now(); }, SOON); };
  return { now, soon };
}
