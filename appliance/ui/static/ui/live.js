/* Parts of a page that load themselves again every half minute: not while nobody looks, not under the
   keyboard focus, and what was opened stays open. */
(() => {
  "use strict";
  let opened = [];

  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (!part.matches('[hx-trigger^="every"]')) return;
    if (document.hidden || part.contains(document.activeElement)) event.preventDefault();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = [...event.detail.target.querySelectorAll("details[id][open]")].map((one) => one.id);
  });

  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    opened = [];
  });
})();
