// Keeps the table of sweeps up to date.
const table = document.querySelector("#sweeps");
const events = new EventSource(`/api/events?after=${table.dataset.number}`);
events.addEventListener("reload", () => location.reload());
events.addEventListener("sweeps", () => location.reload());
