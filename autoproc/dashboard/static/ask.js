// What is asked for of a sweep, without leaving the page: the change comes as an event.

/** Buttons that belong to a form post by themselves; what is refused is said as the server says it. */
export function askWithoutLeaving(form) {
  const token = document.querySelector("meta[name=form-token]").content;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    const answer = await fetch(`/api${new URL(button.formAction).pathname}`, { method: "POST", headers: { "x-form-token": token } }).catch(() => null);
    button.disabled = false;
    if (answer?.ok) { button.closest("details")?.removeAttribute("open"); return; }
    const told = await answer?.json().catch(() => null);
    say(button, told?.error ?? "the server does not answer");
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".verbs details[open]")) if (!open.contains(event.target)) open.removeAttribute("open");
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector(".verbs details[open]");
    if (open) { open.removeAttribute("open"); open.querySelector("summary").focus(); }
  });
}

function say(button, words) {
  const there = button.parentElement.querySelector(".refused") ?? document.createElement("p");
  there.className = "refused";
  there.setAttribute("role", "alert");
  there.textContent = words;
  button.after(there);
}
