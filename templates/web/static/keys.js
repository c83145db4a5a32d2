// Moderating by keyboard. Each key presses a button that is on the page, so
// without this module nothing is missing.
const rows = [...document.querySelectorAll(".comment-row")];
const help = document.querySelector("dialog[data-keys]");
const place = "epistle-comment"; // where the moderator was, for the next page
const off = "epistle-keys-off";

let current = -1;

const go = (index) => {
  if (!rows.length) return;
  rows[current]?.classList.remove("current");
  current = Math.max(0, Math.min(index, rows.length - 1));
  const row = rows[current];
  row.classList.add("current");
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  sessionStorage.setItem(place, String(current));
};

const press = (...values) => {
  for (const value of values) {
    const button = rows[current]?.querySelector(`.comment-actions [name=action][value=${value}]`);
    if (button) { button.click(); return; }
  }
};

const actions = {
  j: () => go(current + 1),
  k: () => go(current - 1),
  a: () => press("approve", "restore"),
  s: () => press("spam"),
  t: () => press("trash"),
  i: () => press("invite", "approve-invite"),
  x: () => rows[current]?.querySelector(".pick input")?.click(),
  r: () => {
    const fold = rows[current]?.querySelector("details.reply");
    if (fold) { fold.open = true; fold.querySelector("textarea").focus(); }
  },
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]");
  if (event.key === "Escape" && typing?.closest("details.reply")) { go(current); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // The place of the key serves where the keyboard is set to Hangul.
  const key = event.key === "?" ? "?" : /^Key[A-Z]$/.test(event.code) && !event.shiftKey ? event.code[3].toLowerCase() : event.key;
  if (!actions[key] || localStorage.getItem(off) && key !== "?") return;
  event.preventDefault();
  actions[key]();
});

rows.forEach((row, index) => row.addEventListener("focusin", () => {
  rows[current]?.classList.remove("current");
  current = index;
  row.classList.add("current");
}));

const button = document.querySelector("[data-keys-help]");
if (button && help) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
  help.addEventListener("close", () => { // it may come late, when somebody writes already
    if (document.activeElement?.closest(".comment-row")) return;
    if (current >= 0) go(current); else document.activeElement?.blur();
  });
  const box = help.querySelector("[data-keys-off]");
  box.checked = Boolean(localStorage.getItem(off));
  box.addEventListener("change", () => box.checked ? localStorage.setItem(off, "yes") : localStorage.removeItem(off));
}

// After a decision the next comment has moved up to the same place.
const was = sessionStorage.getItem(place);
if (was !== null && document.querySelector("[role=status], .flash, .message")) go(Number(was));
else sessionStorage.removeItem(place);
document.documentElement.dataset.keys = "ready";
