import { z } from "@hono/zod-openapi";
import { explain, type Facts, OUTCOMES } from "../../accept/explain";
import { filterSubject } from "../../accept/match";
import { type EndpointRow, listEndpoints } from "../../config/endpoints/endpoints";
import type { Event } from "../../contracts/event";
import { endpointStub } from "../../contracts/find";
import { Visits } from "../../lib/filter/visits";
import { deliveryId, ulidTime } from "../../lib/ids";
import { readJson } from "../../lib/json/exact";
import { type DestinationRules, destinationRefusal } from "../../lib/net/destination";
import { type AppContext, router } from "../http/context";
import { rulesFor } from "../http/destination";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { atEvent } from "../spec/parameters";
import { json, named, problems } from "../spec/schemas";
import { findEvent } from "./events";

/** Endpoints read in one go. */
const PAGE = 250;

const clause = named(
  "FailedClause",
  z.object({
    path: z.string().describe("The field; empty where a group of clauses failed."),
    operator: z.string().describe("What it was asked: `$gte` and the like."),
    expected: z
      .unknown()
      .describe("What it was compared with; of a value whose JSON is long, its beginning as a text."),
    actual: z
      .unknown()
      .optional()
      .describe(
        "What is there; of a value whose JSON is long, its beginning as a text. Absent: the field is missing, or the clause was not evaluated.",
      ),
    reason: z
      .string()
      .optional()
      .describe("Why the clause counts as not holding though it was not evaluated. Absent: it was."),
  }),
  "A clause of a filter that did not hold.",
);

const explained = named(
  "Explanation",
  z.object({
    endpoint: z.string().describe("The endpoint's id."),
    name: z.string().nullable().describe("Its name; `null`: it has none, or is deleted."),
    delivered: z.boolean().describe("Whether the event arrived there."),
    outcome: z.enum(OUTCOMES).describe("What became of the event there, in a word."),
    clause: clause.optional().describe("The clause that failed; absent: none did."),
    delivery: z.string().optional().describe("The delivery's id; absent: there is none."),
    detail: z.string().describe("What became of it, in a sentence."),
    remedy: z.string().nullable().describe("What to do; `null`: nothing."),
  }),
  "Why an endpoint did or did not get an event.",
);

const explanations = named(
  "Explanations",
  z.object({
    data: z.array(explained).describe("One for each endpoint, and for each delivery whose endpoint is gone."),
  }),
  "Who got an event and who did not, and why.",
);

const get = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/events/{event}/explain",
  operationId: "explainEvent",
  summary: "Explain who got an event and who did not, and why",
  description: "For each endpoint why it did or did not get the event, with the clause that failed and what to do.",
  tags: ["Events"],
  roles: READERS,
  request: { params: atEvent },
  responses: {
    200: json(explanations, "one entry per endpoint, and per delivery whose endpoint is gone"),
    ...problems(401, 404),
  },
});

/** Explanations: why each endpoint did or did not get an event. */
export const explainRoutes = router().openapi(get, async (c) => {
  const event = await findEvent(c, c.req.valid("param").event);
  const endpoints = await allEndpoints(c);
  const known = new Set(endpoints.map(({ id }) => id));
  const others = event.matches.flatMap(({ endpoint }) => (known.has(endpoint) ? [] : [{ id: endpoint, row: null }]));
  const about = [...endpoints.map((row) => ({ id: row.id, row })), ...others];
  const shown = shownEvent(c, event);
  const rules = await rulesFor(c);
  const visits = new Visits();
  const data = await Promise.all(
    about.map(async ({ id, row }) => {
      const index = event.matches.findIndex(({ endpoint }) => endpoint === id);
      const delivery = index < 0 ? null : await deliveryOf(c, event, index);
      const { automations } = c.get("snapshot");
      const endpoint = await shownEndpoint(row, delivery, rules);
      const { clause, ...said } = explain({ event: shown, endpoint, automations, delivery }, visits);
      return {
        endpoint: id,
        name: row?.name ?? null,
        ...said,
        ...(clause === undefined ? {} : { clause }),
        ...(index < 0 ? {} : { delivery: deliveryId(event.ulid, index) }),
      };
    }),
  );
  return c.json({ data }, 200);
});

async function allEndpoints(c: AppContext): Promise<EndpointRow[]> {
  const rows: EndpointRow[] = [];
  for (;;) {
    const page = await listEndpoints(c.get("config"), c.get("tenant"), PAGE, rows.at(-1)?.id ?? null);
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
}

function shownEvent(c: AppContext, { ulid, type, timestamp, data, erasedAt }: Event): Facts["event"] {
  const read: unknown = readJson(data);
  const subject =
    erasedAt === undefined ? filterSubject({ tenant: c.get("tenant"), type, timestamp, data: () => read }) : null;
  return { type, acceptedAt: ulidTime(ulid), erasedAt: erasedAt ?? null, subject };
}

/** The URL is only looked at where it explains something: of a hundred endpoints each name would be looked up. */
async function shownEndpoint(
  row: EndpointRow | null,
  delivery: Facts["delivery"],
  rules: DestinationRules,
): Promise<Facts["endpoint"]> {
  if (row === null) return null;
  const blocked = delivery?.record?.lastError === "blocked";
  return { ...row, refusal: blocked ? await destinationRefusal(row.url, rules, Date.now()) : null };
}

async function deliveryOf(c: AppContext, event: Event, index: number): Promise<Facts["delivery"]> {
  const { endpoint, test = false, url = null } = event.matches[index] as Event["matches"][number];
  const { records, gone } = await endpointStub(c.env, c.get("tenant"), endpoint).look([deliveryId(event.ulid, index)]);
  return { test, url, record: records[0] ?? null, gone };
}
