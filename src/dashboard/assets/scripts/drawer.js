/**
 * A delivery beside its log: a link that says so opens its page's content in a dialog. Without a script, in a new tab, or where
 * the page cannot be had, it is a link like any other.
 */
const LINK = "a[data-drawer]";

/** `wire`: is told of what was put into the page. */
export function startDrawer(wire) {
  const dialog = document.getElementById("drawer");
  if (!(dialog instanceof HTMLDialogElement)) return;
  const content = dialog.querySelector("[data-drawer-content]");
  const whole = dialog.querySelector("[data-drawer-page]");
  let current = null;

  const neighbor = (step) => {
    const links = [...document.querySelectorAll(LINK)];
    return links[links.findIndex(({ href }) => href === current) + step];
  };
  const mark = () => {
    for (const link of document.querySelectorAll(LINK)) {
      link.closest("tr")?.classList.toggle("open", dialog.open && link.href === current);
    }
    for (const button of dialog.querySelectorAll("[data-drawer-step]")) {
      button.disabled = neighbor(Number(button.dataset.drawerStep)) === undefined;
    }
  };

  async function show(href) {
    current = href;
    const response = await fetch(href, { credentials: "same-origin" }).catch(() => null);
    const page = new DOMParser().parseFromString((await response?.text()) ?? "", "text/html");
    const main = page.getElementById("main");
    if (!response?.ok || response.redirected || main === null) {
      location.href = href;
      return;
    }
    if (current !== href) return;
    content.replaceChildren(...main.childNodes);
    content.scrollTop = 0;
    whole.href = href;
    if (!dialog.open) dialog.showModal();
    mark();
    wire(content);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(LINK);
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void show(link.href);
  });
  dialog.addEventListener("click", ({ target }) => {
    const step = target.closest?.("[data-drawer-step]")?.dataset.drawerStep;
    const next = step === undefined ? undefined : neighbor(Number(step));
    if (next !== undefined) void show(next.href);
    else if (target === dialog || target.closest?.("[data-drawer-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    mark();
    const link = [...document.querySelectorAll(LINK)].find(({ href }) => href === current);
    link?.focus();
    content.replaceChildren();
  });
}
