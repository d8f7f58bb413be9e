import { type Mutant, tests } from "./mutant.ts";

/** Guards at their edges. */
export const EDGES: readonly Mutant[] = [
  {
    name: "a form is taken whatever site it is from",
    file: "src/dashboard/guard.ts",
    find: 'site === "same-origin" && isOwn',
    replace: "site.length > 0 && isOwn",
    tests: tests("test/dashboard/guard-edges.test.ts", "is taken by what the browser says of where it is from"),
    why: "A browser that hides the origin says so by Sec-Fetch-Site.",
  },
  {
    name: "a body that does not say its length has none",
    file: "src/lib/net/limited-body.ts",
    find: "if (length > most) return null;",
    replace: "",
    tests: tests("test/api/body.test.ts", "is refused as too large as soon as it is"),
    why: "It would fill the memory.",
  },
  {
    name: "a key's session opens the portal",
    file: "src/dashboard/guard.ts",
    find: '(there.base === "/portal") === isPortal(principal?.role)',
    replace: 'principal !== null || isPortal("admin")',
    tests: tests("test/dashboard/guard-edges.test.ts", "opens its own pages alone"),
    why: "Each session is for its own pages.",
  },
  {
    name: "a tag is compared as far as it fits",
    file: "src/lib/tags.ts",
    find: "sameText(known, tag)",
    replace: "known === tag",
    tests: tests("test/lib/comparisons.test.ts", "goes through the one function that takes the same time"),
    why: "The time that it takes would tell how much of a guess is right.",
  },
  {
    name: "a form's token is compared as far as it fits",
    file: "src/dashboard/session.ts",
    find: "return sameText(token, await formToken(secretsKey, id));",
    replace: "return token === (await formToken(secretsKey, id));",
    tests: tests("test/lib/comparisons.test.ts", "goes through the one function that takes the same time"),
    why: "The time that it takes would tell how much of a guess is right.",
  },
  {
    name: "an operator's session is compared as far as it fits",
    file: "src/dashboard/identity.ts",
    find: "prints.map((print) => sameText(print, holder.print)).indexOf(true)",
    replace: "prints.indexOf(holder.print)",
    tests: tests("test/lib/comparisons.test.ts", "goes through the one function that takes the same time"),
    why: "The time that it takes would tell how much of a guess is right.",
  },
];
