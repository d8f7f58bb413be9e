import { z } from "@hono/zod-openapi";
import { lookUp } from "../../config/rules/lists";
import type { SignalRule } from "../../contracts/signal";
import { jsonWithRaw } from "../../lib/json/json";
import { dryRun } from "../../signals/dry-run";
import { plans } from "../../signals/observe";
import { router } from "../http/context";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { body, dataField, json, named, problems } from "../spec/schemas";
import { allPosted, observationInput, skippedShape } from "./observations";
import { signalInput, toRule } from "./signal-shape";

/** The most characters of data that an answer has: each rule may answer all that was posted. */
const MAX_ANSWER = 4_000_000;

const wouldEmit = named(
  "EmittedIfPosted",
  z.object({
    rule: z.string().describe("A saved rule's id; `rule`, or `rules.0` and so on, for one that came with the request."),
    event: z.string().describe("The event's type."),
    data: dataField.describe("What the event would carry."),
  }),
  "An event that would be emitted.",
);
const tried = named(
  "SignalTestResult",
  z.object({
    data: z
      .array(
        named(
          "TriedObservation",
          z.object({
            events: z.array(wouldEmit).describe("What it would emit."),
            skipped: skippedShape.optional(),
          }),
          "What an observation would emit.",
        ),
      )
      .describe("One for each observation, in their order."),
  }),
  "What observations would emit.",
);
const input = named(
  "SignalTest",
  z
    .strictObject({
      observations: z.array(observationInput).min(1).max(100).describe("The observations, in their order."),
      rule: signalInput.optional().describe("A rule that need not be saved; without any the tenant's are tried."),
      rules: z.array(signalInput).min(1).max(100).optional().describe("The same for several."),
    })
    .refine(({ rule, rules }) => rule === undefined || rules === undefined, {
      error: "give rule or rules, not both",
      path: ["rules"],
      when: ({ issues }) => issues.length === 0,
    }),
  "Observations to be tried.",
);

const post = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/signals/test",
  operationId: "testSignals",
  summary: "See what observations would emit",
  description:
    "A dry run over observations in a row, with rules of the request or with the tenant's own. Nothing is stored.",
  tags: ["Signals"],
  roles: READERS,
  request: {
    params: inTenant,
    ...body(input, {
      rule: {
        name: "Lead turned hot",
        emit: "lead.hot",
        entity: "company.domain",
        when: { crosses: { path: "company.leadScore", threshold: 70 } },
      },
      observations: [
        { company: { domain: "halden.example", leadScore: 61 } },
        { company: { domain: "halden.example", leadScore: 74 } },
      ],
    }),
  },
  responses: {
    200: json(tried, "for each observation what it would emit; nothing is stored"),
    ...problems(400, 401, 404, 413, 422),
  },
});

/** Dry runs: what rules would make of observations. */
export const signalTestRoutes = router().openapi(post, async (c) => {
  const { observations, rule, rules } = c.req.valid("json");
  const tenant = c.get("tenant");
  const now = Date.now();
  const rulesTried: SignalRule[] =
    rule !== undefined
      ? [toRule("rule", rule, "rule.")]
      : (rules?.map((one, i) => toRule(`rules.${i}`, one, `rules.${i}.`)) ?? c.get("snapshot").signals);
  const posted = await allPosted(c, observations);
  const planned = plans(tenant, rulesTried, posted, now);
  const names = rulesTried.flatMap(({ when }) => ("inList" in when ? [when.inList] : []));
  const keys = new Set(planned.flatMap(({ entities }) => [...entities.keys()]));
  const lists = await lookUp(c.get("config"), tenant, names, [...keys]);
  const isListed = (list: string, key: string) => lists.get(list)?.has(key) === true;
  const results = dryRun(rulesTried, posted, planned, isListed, now, MAX_ANSWER);
  if (results === null) {
    const message = `would emit data of more than ${MAX_ANSWER} characters: try fewer or shorter ones, or fewer rules`;
    throw invalid({ path: "observations", message });
  }
  const data = results.map(({ events, skipped }) =>
    jsonWithRaw(skipped.length === 0 ? {} : { skipped }, {
      events: `[${events.map(({ data, ...event }) => jsonWithRaw(event, { data })).join(",")}]`,
    }),
  );
  // As text, so that the data is what it would be, byte for byte.
  return c.body(`{"data":[${data.join(",")}]}`, 200, { "Content-Type": "application/json" }) as never;
});
