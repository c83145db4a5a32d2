// Judges the page that is open as somebody would who cannot see well, taps with
// a thumb, or listens: it gives the sentences of what is wrong. Called with what
// the page must be: { lang: "en" or "ko", phone: whether it is read on one }.
(want) => {
  const wrong = [];
  const say = (e, what) => wrong.push(`${what}: <${e.localName}${e.className && typeof e.className === "string" ? "." + e.className.trim().replace(/\s+/g, ".") : ""}> “${(e.innerText || e.getAttribute("aria-label") || e.name || "").trim().slice(0, 50)}”`);

  // Every element, also those inside a shadow.
  const all = [];
  const gather = (root) => {
    for (const e of root.querySelectorAll("*")) {
      all.push(e);
      if (e.shadowRoot) gather(e.shadowRoot);
    }
  };
  gather(document);
  const up = (e) => e.parentElement || e.getRootNode().host || null;
  const modal = document.querySelector("dialog:modal"); // behind it nothing can be used
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0 &&
    !e.closest(".visually-hidden, .trap, .skip, [aria-hidden=true]") && (!modal || modal.contains(e));

  // The page itself.
  if (document.documentElement.lang !== want.lang) wrong.push(`the page says lang=${document.documentElement.lang}, not ${want.lang}`);
  if (!document.title.trim() || document.title.startsWith(" ·")) wrong.push("the page has no title");
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`the page needs ${wide} pixels of ${innerWidth}`);
  for (const e of all) {
    if (wide > innerWidth && shown(e) && e.getBoundingClientRect().right > innerWidth + 1) { say(e, "reaches out of the page"); break; }
  }
  const ids = new Map();
  for (const e of all) {
    if (!e.id) continue;
    const place = e.getRootNode();
    if (ids.get(place)?.has(e.id)) say(e, `two things have the id ${e.id}`);
    ids.set(place, (ids.get(place) || new Set()).add(e.id));
  }

  // Headings: one first, and none that skips a step.
  const headings = all.filter((e) => /^h[1-6]$/.test(e.localName) && shown(e));
  if (!modal && headings.filter((e) => e.localName === "h1").length !== 1) wrong.push(`there are ${headings.filter((e) => e.localName === "h1").length} headings of the first order`);
  let before = modal ? 1 : 0;
  for (const e of headings) {
    const level = Number(e.localName[1]);
    if (level > before + 1) say(e, `a heading of order ${level} after one of ${before}`);
    before = level;
  }

  // Names for what can be used.
  const fields = all.filter((e) => e.matches("input:not([type=hidden]), select, textarea") && shown(e));
  for (const e of fields) {
    const named = e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || [...(e.labels || [])].some((l) => l.textContent.trim());
    if (!named) say(e, "a field without a label");
    for (const id of (e.getAttribute("aria-describedby") || "").split(/\s+/).filter(Boolean)) {
      if (!e.getRootNode().getElementById(id)) say(e, `described by #${id}, which is not there`);
    }
  }
  for (const e of all.filter((e) => e.matches("button, a[href], summary") && shown(e))) {
    if (!(e.textContent.trim() || e.getAttribute("aria-label") || e.title)) say(e, "nothing to read on it");
  }

  // Thumbs: what is pressed is 44 pixels high, but for links within a sentence.
  if (want.phone) {
    const within = (e) => e.localName === "a" && !e.matches(".button, nav a, .languages a, .tile, .row-title") &&
      up(e).innerText.trim().length > e.innerText.trim().length;
    for (const e of all.filter((e) => e.matches("button, a[href], summary, select, textarea, input:not([type=hidden])") && shown(e))) {
      if (within(e)) continue;
      let box = e.getBoundingClientRect(), high = box.height;
      const cover = getComputedStyle(e, "::after"); // a link that covers its row
      if (cover.content !== "none" && cover.position === "absolute") high = Math.max(high, parseFloat(cover.height) || 0);
      for (const l of e.labels || []) if (e.matches("[type=checkbox], [type=radio]")) high = Math.max(high, l.getBoundingClientRect().height);
      if (high < 43.5) say(e, `only ${Math.round(high)} pixels high for a thumb`);
    }
  }

  // Contrast (WCAG 1.4.3).
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parsed = new Map();
  const colour = (text) => {
    if (!parsed.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      parsed.set(text, [r, g, b, a / 255]);
    }
    return parsed.get(text);
  };
  const sheet = document.body.appendChild(document.createElement("i"));
  sheet.style.background = "Canvas"; // what the browser paints where the page paints nothing
  const paper = colour(getComputedStyle(sheet).backgroundColor).slice();
  sheet.remove();
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (e) => {
    const layers = [];
    for (; e; e = up(e)) {
      const c = colour(getComputedStyle(e).backgroundColor);
      layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reduceRight((under, top) => over(top, under), paper);
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  for (const e of all) {
    const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim() || (e.matches("input, textarea") && (e.value || e.placeholder));
    if (!text || e.matches("script, style, title, option, [type=hidden], [type=checkbox], [type=radio], :disabled") || !shown(e) || e.closest("svg")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    let seen = 1;
    for (let p = e; p; p = up(p)) seen *= Number(getComputedStyle(p).opacity);
    const under = ground(e), ink = colour(style.color).slice();
    ink[3] *= seen;
    const needs = size >= 24 || bold && size >= 18.66 ? 3 : 4.5, has = ratio(over(ink, under), under);
    if (has < needs - .01) say(e, `contrast ${has.toFixed(2)}, needs ${needs}`);
  }

  // The keyboard: what has the focus looks different.
  const active = document.activeElement;
  for (const e of all.filter((e) => e.matches("button, a[href], summary, select, textarea, input:not([type=hidden])") && shown(e) && !e.disabled)) {
    const look = () => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor].join(); };
    if (active === e) continue;
    const blurred = look();
    e.focus({ focusVisible: true, preventScroll: true });
    if (look() === blurred) say(e, "looks the same with the focus");
    e.blur();
  }
  active?.focus?.({ preventScroll: true });
  scrollTo(0, 0);
  return [...new Set(wrong)];
}
