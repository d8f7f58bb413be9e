/**
 * The page `/docs/reasons`: why a delivery waits or failed, at the anchors that the dashboard links to. Pure.
 * @module
 */
import { ANSWERS, DISABLED, ERRORS, type Told, WAITS } from "../contracts/reasons";
import { escaped, type Found, marked, page } from "./frame";

const PARTS: readonly [title: string, about: string, reasons: Readonly<Record<string, Told>>][] = [
  ["It waits", "What `waitReason` says. Waiting uses no attempt.", WAITS],
  ["An attempt failed", "What `error` and `lastError` say.", ERRORS],
  ["What the answer tells", "Of an attempt whose error is `status`, and of some whose error is `connection`.", ANSWERS],
  [
    "The endpoint is disabled",
    "What `disabledReason` says. Deliveries are `held` meanwhile.",
    Object.fromEntries(Object.entries(DISABLED).map(([name, told]) => [`disabled-${name}`, told])),
  ],
];

const TITLE = "Why it waits or failed";

/** The reasons as a page. */
export function reasonsPage(): string {
  const parts = PARTS.map(([title, about, reasons]) => {
    const each = Object.entries(reasons).map(
      ([name, { what, remedy }]) => `<section id="${name}">
<h3><code>${name.replace(/^disabled-/, "")}</code></h3>
<p>${escaped(what[0]?.toUpperCase() + what.slice(1))}.</p>
<p>${marked(remedy)}</p>
</section>`,
    );
    return `<h2>${title}</h2>\n<p>${marked(about)}</p>\n${each.join("\n")}`;
  });
  const body = `<h1>${TITLE}</h1>
<p>Why a delivery is not with its receiver, and what to do about it: what the dashboard says beside each, and
<code>GET …/events/{event}/explain</code> of all endpoints at once.</p>
${parts.join("\n")}`;
  return page("reasons", TITLE, body);
}

/** What the search finds of it. */
export const REASONS_FOUND: readonly Found[] = [
  { page: TITLE, text: TITLE, href: "/docs/reasons" },
  ...PARTS.flatMap(([, , reasons]) =>
    Object.entries(reasons).map(([name, { short }]) => ({ page: TITLE, text: short, href: `/docs/reasons#${name}` })),
  ),
];
