import { Hono } from "hono";
import { randomHex } from "../../../lib/crypto";
import { allOf } from "../../api-json";
import { Refused } from "../../components/form";
import { PageHead } from "../../components/layout";
import { nameOf } from "../../components/pills";
import { askedIn } from "../../forms/filter-form";
import { needs } from "../../guard";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { knownFields } from "../catalog/known-fields";
import { typesOf } from "../catalog/types";
import { type Receiver, RuleForm } from "./rule-form";
import { makeRule, type NotMade } from "./rule-making";
import { type Trial, triedRule } from "./rule-trial";
import { newRule, type RuleValues, ruleValuesIn, TEMPLATES } from "./rule-values";

/** What this form calls what others call otherwise. */
const LABELS = {
  endpoint: "Endpoint",
  entity: "For each",
  filter: "What must hold",
  limit: "At most per company",
  name: "Name of the rule",
  persona: "Which contacts",
  trigger: "Event type",
  when: "This happens",
};

/** What tells one form from another. */
const once = () => randomHex(16);

/** All endpoints of the tenant. */
async function receiversOf(c: SiteContext): Promise<Receiver[]> {
  const all = await allOf((query) => c.get("site").api.endpoints.list(c.req.param("tenant") ?? "", { query }));
  return all.map((endpoint) => ({ ...endpoint, name: nameOf(endpoint) }));
}

async function show(
  c: SiteContext,
  values: RuleValues,
  { refusal = null, trial = null }: { refusal?: NotMade | null; trial?: Trial | null } = {},
): Promise<Response> {
  const site = c.get("site");
  const here = tenantPath(c, "automations", "new");
  const types = await typesOf(c);
  const [fields, receivers] = await Promise.all([
    knownFields(c, values.trigger === "" ? [] : [values.trigger], types),
    receiversOf(c),
  ]);
  const names = types.map(({ name }) => name);
  const form = (
    <RuleForm
      {...{ site, values, fields, receivers, trial }}
      action={here}
      types={names}
      errors={refusal?.errors ?? []}
    />
  );
  if (wantsPart(c)) return part(c, form);
  return page(
    c,
    { title: "New rule", current: "Automations", refusal },
    <>
      <PageHead
        title="New rule"
        up={{ href: tenantPath(c, "automations"), name: "Automations" }}
        about="Makes a segment, an automation and, where it needs one, a signal: all of them, or none."
      />
      <nav class="templates" aria-label="Templates">
        {Object.entries(TEMPLATES).map(([template, [title]]) => (
          <a class="button small" href={withQuery(here, { template })}>
            {title}
          </a>
        ))}
      </nav>
      <Refused refusal={refusal} what={refusal?.said ?? ""} labels={LABELS} />
      {form}
    </>,
  );
}

function only(c: SiteContext): void {
  needs(c.get("site").may.automations.create, "Your role reads, and does not make rules.");
}

/** One page for a signal, a segment and an automation together. */
export const rulePages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/automations/new", (c) => {
    only(c);
    return show(c, newRule(c.req.query("template"), once()));
  })
  .post("/tenants/:tenant/automations/new", async (c) => {
    only(c);
    const form = c.get("form");
    const values = ruleValuesIn(form);
    const asked = askedIn(form);
    if (asked !== null) return show(c, values, { trial: asked === "count" ? await triedRule(c, values) : null });
    const refusal = await makeRule(c, values);
    // What is sent next is another form: under the old key it would be answered with what is gone.
    if (refusal !== null) return show(c, { ...values, once: once() }, { refusal });
    return c.redirect(withQuery(tenantPath(c, "automations"), { done: "created" }), 303);
  });
