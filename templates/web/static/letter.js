// Shows a letter as its readers will see it, while it is being written. The
// page works without this: its Preview button asks the desk for the same.

const pause = 350; // milliseconds of rest after the last key

const form = document.getElementById("item");
const panes = [...document.querySelectorAll("[data-preview-of]")];
const fields = panes.map((pane) => document.getElementById("f-" + pane.dataset.previewOf));

let timer = 0;
let asked = 0;

async function show() {
  const mine = ++asked;
  const body = new URLSearchParams();
  for (const field of fields) body.set(field.name, field.value);
  let shown;
  try {
    const answer = await fetch("/desk/letters/preview", { method: "POST", body, headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    shown = await answer.json();
  } catch {
    return; // the line is down: the last preview stays
  }
  if (mine !== asked) return; // something newer is on its way
  for (const pane of panes) pane.innerHTML = shown[pane.lang]; // the desk has sanitised it
}

if (form && fields.length > 0 && fields.every(Boolean)) {
  for (const button of form.querySelectorAll(".no-script")) button.hidden = true;
  for (const field of fields) {
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, pause);
    });
  }
}
