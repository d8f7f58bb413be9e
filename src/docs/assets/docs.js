/**
 * What the pages under /docs do with a script: the look that was chosen, and a search over headings. Without it they follow
 * the system's look, and /docs/search lists all headings.
 */
(() => {
  const KEPT = "posthorn-look";
  const MOST = 40;
  const root = document.documentElement;

  function look() {
    try {
      return localStorage.getItem(KEPT) ?? "auto";
    } catch {
      return "auto";
    }
  }
  function wear(theme) {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-is]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeIs === theme));
    }
  }
  wear(look());

  let index;
  /** Every heading of every page; asked for once. */
  function headings() {
    index ??= fetch("/docs/headings.json").then((answer) => (answer.ok ? answer.json() : []));
    return index;
  }

  /** Those in which every word stands, the ones that begin so first. */
  function matching(all, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((one) => {
      const where = `${one.page} ${one.text}`.toLowerCase();
      return words.every((word) => where.includes(word));
    });
    const begins = (one) => (one.text.toLowerCase().startsWith(words[0]) ? 0 : 1);
    return found.toSorted((a, b) => begins(a) - begins(b)).slice(0, MOST);
  }

  async function search(text) {
    const box = document.getElementById("found");
    const article = document.querySelector("article");
    const asked = text.trim();
    box.hidden = asked === "";
    article.hidden = asked !== "";
    if (asked === "") return;
    const found = matching(await headings(), asked);
    if (document.getElementById("q").value.trim() !== asked) return;
    const title = document.createElement("h1");
    title.textContent = found.length === 0 ? `Nothing is called “${asked}”` : `Found for “${asked}”`;
    const list = document.createElement("ul");
    for (const { page, text: heading, href } of found) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = href;
      link.textContent = heading;
      item.append(link, heading === page ? "" : ` in ${page}`);
      list.append(item);
    }
    box.replaceChildren(title, list);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const field = document.getElementById("q");
    const buttons = document.querySelector(".theme-switch");
    const narrow = matchMedia("(max-width: 52rem)");
    buttons.hidden = false;
    wear(look());
    if (narrow.matches) document.querySelector(".docs-menu").open = false;
    narrow.addEventListener("change", () => {
      document.querySelector(".docs-menu").open = !narrow.matches;
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-theme-is]");
      if (button) {
        wear(button.dataset.themeIs);
        try {
          localStorage.setItem(KEPT, button.dataset.themeIs);
        } catch {
          // For this page alone, then.
        }
      }
      // What was found may stand on the page that is open.
      if (event.target.closest("#found a")) {
        field.value = "";
        void search("");
      }
    });
    field.addEventListener("input", () => void search(field.value));
    field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      document.querySelector("#found a")?.focus();
    });
    const given = new URLSearchParams(location.search).get("q");
    if (given) {
      field.value = given;
      void search(given);
    }
  });
})();
