import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { callAs } from "../../src/api/http/inside";
import { dashboard } from "../../src/dashboard/dashboard";
import { BASES, type Base } from "../../src/dashboard/site";
import { newWorld, type World } from "../api/world";
import { delivery } from "../lib/api";
import { inPortal, Visitor, words } from "./visitor";

/** What is not a page: it leads on, or away. */
const NO_PAGES = ["/sign-in", "/open/:token", "/sign-out"];

/** The paths of pages, or of forms, below a base. */
function pathsOf(base: Base, methods: readonly string[]): string[] {
  const { routes } = dashboard(callAs);
  const paths = routes
    .filter(({ method, path }) => methods.includes(method) && path.startsWith(`${base}/`) && !path.includes("*"))
    .map(({ path }) => path.slice(base.length));
  return [...new Set(paths)].filter((path) => !NO_PAGES.includes(path)).toSorted();
}

function filled(path: string, world: World): string {
  return path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(world[name] ?? (name === "name" ? "lead.hot" : `no-${name}`)),
  );
}

interface Tag {
  name: string;
  attributes: ReadonlyMap<string, string>;
  /** The text of the label that it stands in; `null`: it stands in none. */
  inLabel: boolean;
}

/** The tags of a page, in their order. */
function tagsOf(html: string): Tag[] {
  let labels = 0;
  return [...html.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-:]+(?:="[^"]*")?)*)\s*\/?>/g)].flatMap(
    ([, closes, name = "", rest = ""]) => {
      if (name === "label") labels += closes === "/" ? -1 : 1;
      const attributes = new Map(
        [...rest.matchAll(/([a-z-:]+)(?:="([^"]*)")?/g)].map(([, key = "", value = ""]) => [key, value]),
      );
      return closes === "/" ? [] : [{ name, attributes, inLabel: labels > 0 && name !== "label" }];
    },
  );
}

/** What is wrong with the ids, labels and fields of a page. */
function faultsOf(html: string): string[] {
  const tags = tagsOf(html);
  const faults: string[] = [];
  const ids = tags.flatMap(({ attributes }) => attributes.get("id") ?? []);
  for (const id of new Set(ids))
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`two elements have the id ${id}`);
  const labelled = new Set<string>();
  for (const { name, attributes } of tags) {
    const target = name === "label" ? attributes.get("for") : undefined;
    if (target === undefined) continue;
    labelled.add(target);
    const field = tags.find((tag) => tag.attributes.get("id") === target);
    if (!["input", "select", "textarea"].includes(field?.name ?? ""))
      faults.push(`a label is for ${target}, which is no field`);
  }
  for (const { name, attributes, inLabel } of tags) {
    for (const key of ["aria-describedby", "aria-labelledby", "list", "aria-controls"]) {
      for (const id of attributes.get(key)?.split(" ") ?? [])
        if (!ids.includes(id)) faults.push(`${key} names ${id}, which is nowhere`);
    }
    if (!["input", "select", "textarea"].includes(name) || attributes.get("type") === "hidden") continue;
    const known = inLabel || attributes.has("aria-label") || labelled.has(attributes.get("id") ?? "");
    if (!known) faults.push(`the field ${attributes.get("name")} has no label`);
  }
  return faults;
}

/** What the fields of a page are called. */
function calledIn(html: string): string[] {
  return [...html.matchAll(/<(label|legend)[^>]*>(.*?)<\/\1>/gs)].map(([, , text = ""]) => words(text).trim());
}

/** What the list of a refusal says, each message by what it is about. */
function refusedIn(html: string): { about: string; code: boolean }[] {
  const [, list = ""] = /<div class="notice bad" role="alert">.*?<ul>(.*?)<\/ul>/s.exec(html) ?? [];
  return [...list.matchAll(/<li>(?:<(strong|code)>(.*?)<\/\1>)?/gs)].map(([, tag, about = ""]) => ({
    about: words(about).trim(),
    code: tag === "code",
  }));
}

async function everything(): Promise<{ world: World; visitors: { base: Base; visitor: Visitor }[] }> {
  const world = await newWorld();
  const tenant = world.tenant ?? "";
  await delivery(tenant, { id: world.delivery ?? "", endpoint: world.endpoint ?? "" }, "succeeded");
  const operator = new Visitor();
  await operator.signIn(env.OPERATOR_KEY ?? "");
  const [dashboardBase, portalBase] = BASES;
  return {
    world,
    visitors: [
      { base: dashboardBase, visitor: operator },
      { base: portalBase, visitor: await inPortal(tenant) },
    ],
  };
}

describe("every page", () => {
  it("has each id once, no label without its field, and no field without its label", async ({ expect }) => {
    const { world, visitors } = await everything();
    const seen: string[] = [];
    for (const { base, visitor } of visitors) {
      for (const path of pathsOf(base, ["GET"])) {
        const { status, html } = await visitor.get(base + filled(path, world));
        if (status !== 200) continue;
        seen.push(base + path);
        expect([base + path, faultsOf(html)]).toEqual([base + path, []]);
      }
    }
    expect(seen.length).toBeGreaterThan(30);
    expect(seen).toEqual(
      expect.arrayContaining(
        ["test", "settings", "verify"].map((tab) => `/dashboard/tenants/:tenant/endpoints/:endpoint/${tab}`),
      ),
    );
  });

  it("stays so when its form is refused, and says of each message the field that it is about", async ({ expect }) => {
    const { world, visitors } = await everything();
    const [{ base, visitor }] = visitors as [(typeof visitors)[number]];
    const page = `${base}/tenants/${world.tenant}/endpoints`;
    let refusals = 0;
    for (const path of pathsOf(base, ["POST"]).filter((one) => !/delete|remove|revoke|erase/.test(one))) {
      for (const fields of [{}, WRONG]) {
        const { status, html } = await visitor.submit(page, base + filled(path, world), fields);
        if (status !== 422) continue;
        refusals++;
        expect([path, faultsOf(html)]).toEqual([path, []]);
        const called = calledIn(html);
        for (const { about, code } of refusedIn(html)) {
          expect([path, code, about, called.some((name) => name.startsWith(about))]).toEqual([
            path,
            false,
            about,
            true,
          ]);
        }
      }
    }
    expect(refusals).toBeGreaterThan(8);
  });

  it("is looked at for what it is: the check finds what it is for", ({ expect }) => {
    const page = `<label for="a">A</label><input id="a" name="a"/><label for="a">B</label><input id="a" name="b"/>
      <label for="gone">C</label><input name="c" type="text"/><select name="d"></select><label>E <input name="e"/></label>
      <input type="hidden" name="f"/><input aria-label="G" name="g" list="nowhere" aria-describedby="a x"/>`;
    expect(faultsOf(page)).toEqual([
      "two elements have the id a",
      "a label is for gone, which is no field",
      "the field c has no label",
      "the field d has no label",
      "aria-describedby names x, which is nowhere",
      "list names nowhere, which is nowhere",
    ]);
  });
});

/** Fields as nobody may fill them in, of all forms. */
const WRONG: Record<string, string> = {
  name: "",
  url: "nonsense",
  retry: "soon",
  timeout: "99",
  disableAfter: "-1",
  rateLimit: "0",
  scheme: "none such",
  format: "none such",
  method: "LOOK",
  metadata: "no colon",
  headers: "no colon",
  uid: "\u0001",
  emit: "not a type",
  trigger: "not a type",
  entity: "..",
  form: "crosses",
  "crosses.threshold": "high",
  filter: '{"nowhere": 1}',
  "type.0": "reveal_contacts",
  "endpoint.0": "nobody",
  "limit.0": "0",
  type: "reveal_contacts",
  endpoint: "nobody",
  limit: "0",
  items: " ",
  item: "x".repeat(2_000),
  observations: "nonsense",
  since: "soon",
  until: "later",
  overlap: "soon",
  secret: "x",
  event: "not a type",
  data: "{",
  id: "Not A Slug",
  role: "king",
  expiresIn: "1",
  path: "nowhere",
  sample: "{",
  schema: "{",
  title: "x".repeat(300),
};
