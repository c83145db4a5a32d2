// Keeps what is marked with data-live="SECONDS" up to date: the page is asked
// for again and the marked part replaced. Without this module the page shows
// the same after a reload.

const watch = (element) => {
  const seconds = Number(element.dataset.live);
  if (!seconds || !element.id) return;
  setTimeout(async () => {
    let next = null;
    if (!document.hidden && !element.contains(document.activeElement)) {
      try {
        const response = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (response.ok && !response.redirected) {
          const page = new DOMParser().parseFromString(await response.text(), "text/html");
          next = page.getElementById(element.id);
          if (!next) { location.reload(); return; }
        }
      } catch { /* the network is away; try again */ }
    }
    if (next) {
      const fresh = document.importNode(next, true);
      element.replaceWith(fresh);
      watch(fresh);
    } else {
      watch(element);
    }
  }, seconds * 1000);
};

document.querySelectorAll("[data-live]").forEach(watch);
