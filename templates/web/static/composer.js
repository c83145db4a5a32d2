// The composer's comforts. Everything works without them: the links reload the
// page, the buttons post the form.
//
//   - The switches above the mail change the preview in place.
//   - The preview follows what is typed, before it is saved.
//   - Leaving with something unsaved asks first; Ctrl+S or ⌘S saves.

import "./live.js";

const form = document.querySelector("form[data-preview]");
const frameBox = document.querySelector(".mail-card .preview-frame");
const switches = [...document.querySelectorAll(".switch a[data-view]")];
const note = document.querySelector("[data-live-note]");
let typed = false;
let leaving = false;

const view = () => switches.filter((a) => a.getAttribute("aria-current")).map((a) => a.dataset.view).join("&");

// show loads the preview into a fresh frame, so that it leaves no trace in the
// history, and swaps it in when it is there.
let waiting = null;
const show = () => {
  if (!frameBox) return;
  const old = frameBox.querySelector("iframe");
  const frame = document.createElement("iframe");
  frame.className = "preview";
  frame.title = old.title;
  frame.setAttribute("sandbox", "");
  frame.name = "mail-frame-" + Date.now();
  frame.hidden = true;
  waiting?.remove();
  waiting = frame;
  frame.addEventListener("load", () => {
    if (waiting !== frame) return;
    waiting = null;
    frameBox.querySelectorAll("iframe").forEach((each) => { if (each !== frame) each.remove(); });
    frame.hidden = false;
    frameBox.classList.toggle("phone", view().includes("view=phone"));
  });
  const address = (form?.dataset.preview ?? old.src.split("?")[0]) + "?" + view();
  if (!typed || !form) {
    frame.src = address;
    frameBox.append(frame);
    return;
  }
  frameBox.append(frame);
  const { action, target } = form;
  leaving = true;
  form.action = address;
  form.target = frame.name;
  HTMLFormElement.prototype.submit.call(form);
  form.action = action;
  form.target = target;
  leaving = false;
};

switches.forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault();
  link.parentElement.querySelectorAll("a").forEach((a) => a.removeAttribute("aria-current"));
  link.setAttribute("aria-current", "true");
  show();
}));

if (form) {
  let timer;
  form.addEventListener("input", (event) => {
    if (event.target.tagName === "SELECT") return;
    typed = true;
    if (note) note.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(show, 700);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("data-show")) {
      event.preventDefault();
      typed = true;
      show();
      document.getElementById("mail").scrollIntoView({ block: "nearest" });
      return;
    }
    leaving = true;
  });
  addEventListener("beforeunload", (event) => { if (typed && !leaving) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}
