// Places the comments of a page where this script stands:
//
//   <script src="https://mail.example.org/embed.js" async></script>
//
// data-page names the page by its address, else the page's own canonical
// address is taken; data-lang is "en" or "ko", else the language of the page. A
// link inside an element with the id epistle-comments serves those without
// JavaScript; the thread takes its place. No cookies, nothing from elsewhere.
(() => {
  const script = document.currentScript || document.querySelector('script[src$="/embed.js"]');
  if (!script) return;
  const base = new URL(script.src).origin;
  const page = script.dataset.page || document.querySelector("link[rel=canonical]")?.href || location.href.split("#")[0];
  const wanted = (script.dataset.lang || document.documentElement.lang || navigator.language || "en").slice(0, 2);
  const lang = wanted === "ko" ? "ko" : "en";

  const host = document.getElementById("epistle-comments") || script.insertAdjacentElement("afterend", document.createElement("div"));
  const style = `
    :host { display: block; }
    * { box-sizing: border-box; }
    section { color: inherit; font: inherit; line-height: 1.6; overflow-wrap: anywhere; }
    section:lang(ko) { word-break: keep-all; }
    h2 { margin: 0 0 1rem; font-size: 1.35em; }
    h3 { margin: 2rem 0 .75rem; font-size: 1.1em; }
    ol { margin: 0; padding: 0; list-style: none; }
    li { padding: .9rem 0; border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
    li li { margin-left: 1.5rem; }
    .head { display: flex; flex-wrap: wrap; gap: .15rem .6rem; align-items: baseline; }
    .name { font-weight: 600; }
    .badge { padding: 0 .5em; border: 1px solid currentColor; border-radius: 1em; font-size: .8em; }
    time, .hint { font-size: .85em; opacity: .75; }
    .body { margin: .35rem 0 0; white-space: pre-line; }
    .error { color: #a3261c; font-size: .9em; font-weight: 600; }
    @media (prefers-color-scheme: dark) { .error { color: inherit; } }
    form { display: grid; gap: .9rem; max-width: 40rem; }
    label { display: grid; gap: .25rem; }
    label.tick { grid-template-columns: auto 1fr; gap: .6rem; align-items: start; }
    input:not([type=checkbox]), textarea { width: 100%; padding: .55rem .7rem; font: inherit; color: inherit; background: transparent; border: 1px solid color-mix(in srgb, currentColor 45%, transparent); border-radius: .4rem; }
    input[type=checkbox] { width: 1.15rem; height: 1.15rem; margin: .25rem 0 0; }
    button { justify-self: start; min-height: 2.75rem; padding: .45rem 1.1rem; font: inherit; color: inherit; background: transparent; border: 1px solid currentColor; border-radius: .4rem; cursor: pointer; }
    button.link { padding: .2rem 0; border: 0; text-decoration: underline; }
    :focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
    .trap { position: absolute; left: -100vw; }
  `;

  // el makes an element; everything from people comes in as text.
  const el = (name, props = {}, ...children) => {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (key in e && key !== "lang") e[key] = value; else e.setAttribute(key, value);
    }
    e.append(...children.filter((c) => c !== null && c !== undefined));
    return e;
  };

  const ask = (path, options = {}) => fetch(base + path,
    { ...options, mode: "cors", credentials: "omit", referrerPolicy: "no-referrer", headers: { "Accept-Language": lang } });
  const load = (after) => ask("/comments/embed?page=" + encodeURIComponent(page) + (after ? "&after=" + after : ""))
    .then((r) => (r.ok ? r.json() : Promise.reject(r.status)));
  // The reader's own English or Korean, if it is one of these: "15 November" in London.
  const locale = (navigator.languages || []).find((l) => l.slice(0, 2) === lang) || lang;
  const when = (at) => new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(new Date(at));

  let thread, words, list, form, replyTo = null;

  const comment = (c, reply) => el("li", { id: c.number ? "c" + c.number : undefined },
    el("div", { className: "head" },
      c.number ? el("span", { className: "number" }, c.number + ".") : null,
      el("bdi", { className: "name" }, c.name),
      c.staff ? el("span", { className: "badge" }, words.ministry) : null,
      el("time", { dateTime: c.time }, when(c.time))),
    el("p", { className: "body", lang: c.lang, dir: "auto" }, c.body),
    reply ? null : el("button", { type: "button", className: "link", onclick: () => answer(c) }, words.answer),
    c.replies ? el("ol", {}, ...c.replies.map((r) => comment(r, true))) : null);

  const more = (next) => {
    const button = el("button", { type: "button", onclick: async () => {
      button.disabled = true;
      try {
        const rest = await load(next);
        list.append(...rest.entries.map((c) => comment(c)));
        button.remove();
        if (rest.next) list.after(more(rest.next));
      } catch { button.disabled = false; }
    } }, words.more);
    return button;
  };

  const answer = (c) => {
    replyTo = c;
    form.title.replaceChildren(c ? words.answering + " " : words.title, ...(c ? [el("bdi", {}, c.name)] : []));
    form.cancel.hidden = !c;
    form.fields.comment.focus();
  };

  const field = (name, label, props, hint, tag = "input") => {
    const input = el(tag, { name, id: name, required: true, ...props });
    const error = el("span", { className: "error", id: name + "-error", role: "alert" });
    input.setAttribute("aria-describedby", name + "-error");
    form.fields[name] = input;
    form.errors[name] = error;
    return el("label", {}, label, hint ? el("span", { className: "hint" }, hint) : null, input, error);
  };

  const tick = (name, label, hint) => {
    const input = el("input", { type: "checkbox", name, value: "yes" });
    form.fields[name] = input;
    const error = form.errors[name] = el("span", { className: "error", role: "alert" });
    return el("label", { className: "tick" }, input, el("span", {}, label, el("br"), el("span", { className: "hint" }, hint), error));
  };

  const makeForm = () => {
    form = { fields: {}, errors: {}, title: el("h3", {}, words.title), say: el("p", { role: "status", tabIndex: -1 }) };
    form.cancel = el("button", { type: "button", className: "link", hidden: true, onclick: () => answer(null) }, words.noAnswer);
    form.whole = el("form", { onsubmit: (event) => { event.preventDefault(); send(); } },
      field("name", words.name, { autocomplete: "name", maxLength: 100 }),
      field("email", words.email, { type: "email", autocomplete: "email", maxLength: 254 }, words.emailHint),
      field("comment", words.comment, { rows: 5, maxLength: 4000 }, null, "textarea"),
      el("label", { className: "trap", "aria-hidden": "true" }, words.trap, form.fields.website = el("input", { name: "website", tabIndex: -1, autocomplete: "off" })),
      tick("replies", words.replies, words.repliesHint),
      thread.version ? tick("updates", words.updates, thread.wording) : null,
      form.button = el("button", {}, words.send),
      el("span", { className: "hint" }, words.held));
    form.whole.noValidate = true;
    return [form.title, form.cancel, form.whole, form.say];
  };

  const send = async () => {
    const data = new URLSearchParams({ page: thread.page, stamp: thread.stamp, wording: String(thread.version), reply: replyTo ? String(replyTo.id) : "" });
    for (const [name, input] of Object.entries(form.fields)) {
      if (input.type !== "checkbox" || input.checked) data.set(name, input.value);
    }
    for (const error of Object.values(form.errors)) error.textContent = "";
    form.say.textContent = "";
    form.button.disabled = true;
    try {
      const reply = await ask("/comments/embed", { method: "POST", body: data });
      const told = await reply.json();
      if (told.stamp) thread.stamp = told.stamp;
      if (reply.ok) {
        form.whole.remove();
        form.cancel.remove();
        form.say.textContent = words.sent + (told.asked ? " " + words.asked : "");
        form.say.focus(); // the form had the focus
        return;
      }
      for (const [name, sentence] of Object.entries(told.errors || {})) {
        if (form.errors[name]) form.errors[name].textContent = sentence;
      }
      form.say.textContent = told.message || "";
      form.fields[Object.keys(told.errors || {})[0]]?.focus();
    } catch {
      form.say.replaceChildren(words.failed + " ", el("a", { href: thread.url }, words.open));
    } finally {
      form.button.disabled = false;
    }
  };

  load().then((answered) => {
    thread = answered;
    words = thread.words;
    const shadow = host.attachShadow({ mode: "open" });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      shadow.adoptedStyleSheets = [sheet];
    } catch { shadow.append(el("style", {}, style)); }
    list = el("ol", {}, ...thread.entries.map((c) => comment(c)));
    shadow.append(el("section", { lang: thread.lang, "aria-label": thread.heading },
      el("h2", {}, thread.heading),
      thread.entries.length ? list : el("p", {}, words.none),
      thread.next ? more(thread.next) : null,
      ...makeForm()));
    host.dataset.state = "shown";
  }).catch(() => {
    host.dataset.state = "failed";
    if (!host.childElementCount) host.append(el("a", { href: base + "/comments?page=" + encodeURIComponent(page) }, lang === "ko" ? "댓글" : "Comments"));
  });
})();
