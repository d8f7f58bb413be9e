/**
 * What the dashboard does with a script. Every page works without: this tells times as the reader wants them, copies, opens
 * deliveries beside their log, and has the live parts look for news while somebody looks at them.
 */
import { startDrawer } from "./drawer.js";
import { fetchParts } from "./fetched.js";
import { startTimes, tellTimes } from "./times.js";

const TICK = 2_000;
/** How long a toast stays that nobody is at, in ms. */
const STAYS = 10_000;

document.documentElement.classList.add("scripted");

const announce = (text) => {
  const announcer = document.getElementById("announcer");
  if (announcer) announcer.textContent = text;
};

function wire(root) {
  for (const button of root.querySelectorAll(".copy")) button.hidden = false;
  for (const note of root.querySelectorAll("[data-live-note]")) note.hidden = false;
  tellTimes(root);
  fetchParts(root, wire);
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

/** A toast goes by itself, unless somebody is at it. What it says is taken off the address, so that a reload does not say it again. */
function startToast(toast) {
  const url = new URL(location.href);
  for (const name of ["done", "recovered", "of"]) url.searchParams.delete(name);
  history.replaceState(null, "", url);
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, STAYS / 2);
    else toast.remove();
  };
  setTimeout(leave, STAYS);
  toast.querySelector("[data-close]")?.addEventListener("click", () => toast.remove());
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
  const live = document.querySelectorAll("[data-live]");
  const busy = [...live].some((part) => part.contains(document.activeElement) || part.querySelector(":checked"));
  const paused = document.hidden || busy || document.querySelector("dialog[open]") !== null;
  if (note && !note.classList.contains("broken")) {
    note.classList.toggle("paused", paused);
    note.textContent = paused ? "Paused" : "Live";
  }
  if (!paused) document.body.dispatchEvent(new CustomEvent("posthorn:tick"));
}

document.addEventListener("posthorn:fetched", ({ detail: well }) => {
  for (const note of document.querySelectorAll("[data-live-note]")) {
    note.classList.toggle("broken", !well);
    if (!well) note.textContent = "Not up to date: the service does not answer";
  }
});

document.addEventListener("DOMContentLoaded", () => {
  startTimes();
  wire(document);
  startDrawer(wire);
  for (const toast of document.querySelectorAll(".toast")) startToast(toast);
  setInterval(tick, TICK);
});
