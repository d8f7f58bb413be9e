/**
 * What the dashboard does with a script, beside htmx. Every page works without: this keeps times true, copies, and has
 * the live parts look for news while somebody looks at them.
 */
(() => {
  const TICK = 2_000;
  const announce = (text) => {
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = text;
  };

  /** How long, in the largest unit that fits; as components/time.tsx writes it. */
  function span(ms) {
    const seconds = Math.abs(ms) / 1_000;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
    return `${Math.round(seconds / 86_400)} d`;
  }

  function tellTimes(root) {
    for (const time of root.querySelectorAll("time[data-ago]")) {
      const distance = Date.parse(time.dateTime) - Date.now();
      time.textContent =
        distance > 0 ? `in ${span(distance)}` : distance > -1_000 ? "just now" : `${span(distance)} ago`;
    }
  }

  function wire(root) {
    for (const button of root.querySelectorAll(".copy")) button.hidden = false;
    for (const note of root.querySelectorAll("[data-live-note]")) note.hidden = false;
    tellTimes(root);
  }

  async function copy(button) {
    const text = button.hasAttribute("data-copy-block")
      ? button.parentElement.querySelector("code").textContent
      : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied.");
      button.classList.add("done");
      button.title = "Copied";
    } catch {
      announce("The browser does not let this page copy.");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) void copy(button);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset?.asks;
    if (question && !confirm(question)) event.preventDefault();
    else event.submitter?.setAttribute("aria-busy", "true");
  });
  /** `/`, where nobody is writing, or Ctrl-K: to the search. */
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !writing && !event.ctrlKey && !event.metaKey;
    if (!search || !(slash || (event.key === "k" && (event.ctrlKey || event.metaKey)))) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  // A page that the browser brings back from its memory is not waiting for anything any more.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
  });

  /** Live parts look for news while the page is looked at, and not while somebody is at one of their links. */
  function tick() {
    const note = document.querySelector("[data-live-note]");
    const live = document.querySelector("[data-live]");
    const busy = live?.contains(document.activeElement);
    const paused = document.hidden || busy;
    if (note && !note.classList.contains("broken")) {
      note.classList.toggle("paused", paused);
      note.textContent = paused ? "Paused" : "Live";
    }
    if (!paused) document.body.dispatchEvent(new CustomEvent("posthorn:tick"));
  }
  document.addEventListener("DOMContentLoaded", () => {
    wire(document);
    setInterval(tick, TICK);
    setInterval(() => tellTimes(document), 1_000);
    document.body.addEventListener("htmx:afterSwap", () => wire(document));
    const mark = (broken) => () => {
      for (const note of document.querySelectorAll("[data-live-note]")) {
        note.classList.toggle("broken", broken);
        if (broken) note.textContent = "Not up to date: the service does not answer";
      }
    };
    for (const name of ["htmx:sendError", "htmx:responseError"]) document.body.addEventListener(name, mark(true));
    document.body.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.successful) mark(false)();
    });
  });
})();
