/**
 * Parts of a page that fetch themselves anew. The attributes are htmx's (https://htmx.org), of which this does what the pages
 * use: `hx-get`, `hx-post`, `hx-trigger` (events with `from:` and `delay:`, `every 5s`), `hx-target`, `hx-swap`, `hx-select`,
 * `hx-include` and `hx-indicator`. All of htmx is fifteen times as long as all of ours.
 */
const EVENT = "hx-trigger";
const started = new WeakSet();
const under = new WeakMap();

/** An attribute that holds for all within the element that has it. */
function inherited(element, name) {
  return element.closest(`[${name}]`)?.getAttribute(name) ?? null;
}

/** An element as htmx names it: a selector, `this`, or `closest` and a selector. */
function named(element, text) {
  if (!text || text === "this") return element;
  if (text === "body") return document.body;
  return text.startsWith("closest ") ? element.closest(text.slice(8)) : document.querySelector(text);
}

/** What starts an element's request: `[{event, from, delay, every}]`. */
function triggersOf(element) {
  const usual = element.matches("form") ? "submit" : element.matches("input, select, textarea") ? "change" : "click";
  return (element.getAttribute(EVENT) ?? usual).split(",").map((text) => {
    const [event, ...words] = text.trim().split(/\s+(?=from:|delay:|changed|once|\d)/);
    const after = (name) => words.find((word) => word.startsWith(name))?.slice(name.length);
    return { event, from: named(element, after("from:")), delay: Number.parseInt(after("delay:") ?? "0", 10), words };
  });
}

/** Whether news has come of it: `null` where nothing was to be said. */
async function request(element, swapped) {
  const method = element.hasAttribute("hx-post") ? "POST" : "GET";
  const url = new URL(element.getAttribute(method === "POST" ? "hx-post" : "hx-get") || location.href, location.href);
  const form = named(element, element.getAttribute("hx-include") ?? "closest form");
  const pressed = element instanceof HTMLButtonElement && element.form === form ? element : null;
  const fields = form instanceof HTMLFormElement ? new URLSearchParams(new FormData(form, pressed)) : null;
  if (method === "GET" && fields !== null) for (const [name, value] of fields) url.searchParams.set(name, value);
  // Whoever asks anew no longer wants the answer to what they asked before.
  under.get(element)?.abort();
  const stop = new AbortController();
  under.set(element, stop);
  const waiting = named(element, element.getAttribute("hx-indicator"));
  waiting?.classList.add("htmx-request");
  let well = true;
  try {
    const body = method === "POST" ? fields : null;
    const headers = { "HX-Request": "true" };
    const response = await fetch(url, { method, headers, body, signal: stop.signal, credentials: "same-origin" });
    const away = response.headers.get("HX-Redirect");
    if (away) location.href = away;
    else if (!response.ok) well = false;
    else if (response.status !== 204) swap(element, await response.text(), swapped);
  } catch (error) {
    well = error.name === "AbortError";
  } finally {
    if (under.get(element) === stop) waiting?.classList.remove("htmx-request");
  }
  document.dispatchEvent(new CustomEvent("posthorn:fetched", { detail: well }));
}

function swap(element, text, swapped) {
  const target = named(element, inherited(element, "hx-target"));
  if (!target?.isConnected) return;
  const parsed = new DOMParser().parseFromString(text, "text/html");
  const select = inherited(element, "hx-select");
  const nodes = select ? [...parsed.querySelectorAll(select)] : [...parsed.body.childNodes];
  const how = inherited(element, "hx-swap") ?? "innerHTML";
  const at = document.activeElement?.id;
  if (how === "outerHTML") target.replaceWith(...nodes);
  else if (how === "innerHTML") target.replaceChildren(...nodes);
  else if (how === "beforeend") target.append(...nodes);
  else if (how === "afterbegin") target.prepend(...nodes);
  // Whoever was at something is at it again, if it is still there.
  if (at && document.activeElement?.id !== at) document.getElementById(at)?.focus({ preventScroll: true });
  for (const node of nodes) if (node instanceof Element) swapped(node.parentElement ?? node);
}

/** Lets what stands in here fetch itself. `swapped`: is told of each part that was put in. */
export function fetchParts(root, swapped) {
  const all = root.querySelectorAll("[hx-get], [hx-post]");
  for (const element of root.matches?.("[hx-get], [hx-post]") ? [root, ...all] : all) {
    if (started.has(element)) continue;
    started.add(element);
    for (const { event, from, delay, words } of triggersOf(element)) {
      let timer;
      const start = (happened) => {
        if (!element.isConnected) return from.removeEventListener(event, start);
        if (happened?.type === "submit" || (happened?.type === "click" && element.closest("a, button"))) {
          happened.preventDefault();
        }
        clearTimeout(timer);
        if (delay > 0) timer = setTimeout(request, delay, element, swapped);
        else void request(element, swapped);
      };
      if (event === "load") start();
      else if (event === "every") timer = everySeconds(element, Number.parseFloat(words[0]), swapped);
      else from.addEventListener(event, start);
    }
  }
}

function everySeconds(element, seconds, swapped) {
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (!document.hidden) void request(element, swapped);
  }, seconds * 1_000);
  return timer;
}
