import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { Visitor } from "../dashboard/visitor";
import { type Answered, call } from "../lib/api";
import { type Operation, operationsOf, resolve, theDocument } from "./operations";
import { newWorld, pathIn, type World } from "./world";

const [EARLY, LATE] = ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"];

/** Where an operation takes a span of time; `null`: it takes none. */
async function spanOf(operation: Operation): Promise<"query" | "body" | null> {
  const names = operation.parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  if (names.includes("since") || names.includes("until")) return "query";
  const fields = Object.keys(resolve(await theDocument(), operation.body?.schema)?.properties ?? {});
  return fields.includes("since") || fields.includes("until") ? "body" : null;
}

function asked(world: World, operation: Operation, where: "query" | "body", span: object): Promise<Answered> {
  const path = pathIn(world, operation);
  if (where === "body") return call(operation.method, path, span);
  return call(operation.method, `${path}?${new URLSearchParams(span as Record<string, string>)}`);
}

describe("every operation that takes a span of time", () => {
  it("refuses one that ends before it begins, and takes one that is empty or open", async ({ expect }) => {
    const world = await newWorld();
    const seen: string[] = [];
    for (const operation of operationsOf(await theDocument())) {
      const where = await spanOf(operation);
      if (where === null) continue;
      seen.push(operation.id);
      const refused = await asked(world, operation, where, { since: LATE, until: EARLY });
      expect(refused.status, operation.id).toBe(422);
      expect(refused.body, operation.id).toMatchObject({
        code: "invalid",
        errors: [{ path: "since", message: "must not be after until" }],
      });
      // In whatever zone it is written.
      const zoned = await asked(world, operation, where, { since: EARLY, until: "2026-11-20T01:00:00+02:00" });
      expect(zoned.status, operation.id).toBe(422);
      const ordered = await asked(world, operation, where, { since: EARLY, until: LATE });
      expect(ordered.status, operation.id).toBe(200);
      if (operation.id === "getStats") continue;
      expect((await asked(world, operation, where, { since: EARLY, until: EARLY })).status, operation.id).toBe(200);
      expect((await asked(world, operation, where, { since: EARLY })).status, operation.id).toBe(200);
    }
    expect(seen.toSorted()).toEqual([
      "getStats",
      "listAudit",
      "listDeliveries",
      "listEndpointDeliveries",
      "listEvents",
      "listTenantAudit",
      "recoverDeliveries",
    ]);
  });
});

describe("every log of the dashboard", () => {
  it.for(["/events", "/deliveries", "/endpoints/{endpoint}/deliveries"])(
    "%s says so, and keeps what was asked for",
    async (path, { expect }) => {
      const world = await newWorld();
      const visitor = new Visitor();
      await visitor.signIn(env.OPERATOR_KEY ?? "");
      const place = `/dashboard/tenants/${world.tenant}${path.replace("{endpoint}", world.endpoint ?? "")}`;
      const span = "since=2026-11-21T00:00&until=2026-11-20T00:00";
      const refused = await visitor.get(`${place}?${span}`);
      expect(refused.status).toBe(422);
      expect(refused.html).toContain("must not be after until");
      expect(refused.html).toContain('value="2026-11-21T00:00');
      expect((await visitor.get(`${place}?since=2026-11-20T00:00&until=2026-11-21T00:00`)).status).toBe(200);
    },
  );
});
