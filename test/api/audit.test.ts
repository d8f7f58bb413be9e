import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { AUDIT_RETENTION } from "../../src/config/access/audit";
import { mirrorEnablement } from "../../src/config/endpoints/endpoints";
import { newId } from "../../src/lib/ids";
import { DAY, MINUTE } from "../../src/lib/time";
import { inPortal } from "../dashboard/visitor";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";

async function auditOf(tenant: string, query = ""): Promise<Answered["body"][]> {
  const { body } = await call("GET", `/v1/audit?limit=250&tenant=${tenant}${query}`);
  return body.data;
}

describe("the audit", () => {
  it("has a row for every change, with who, what and which fields, newest first", async ({ expect }) => {
    const tenant = await newTenant();
    const own = `/v1/tenants/${tenant}`;
    const made = await call("POST", `${own}/keys`, { name: "k", role: "admin" });
    const headers = { Authorization: `Bearer ${made.body.key}` };
    const as = (method: string, path: string, body?: unknown) => call(method, `${own}${path}`, body, headers);
    const { body: endpoint } = await as("POST", "/endpoints", { url: (await newReceiver()).url, events: ["*"] });
    const at = `/endpoints/${endpoint.id}`;
    await as("PATCH", at, { name: "n", headers: { "X-Api-Key": "hidden-value" } });
    await as("POST", `${at}/secret/rotate`, { secret: "hidden-secret" });
    await as("POST", `${at}/secret/promote`);
    const { body: segment } = await as("POST", "/segments", { name: "s", filter: {} });
    await as("PATCH", `/segments/${segment.id}`, { filter: { event: "a" } });
    const actions = [{ type: "webhook", endpoint: endpoint.id }];
    const { body: automation } = await as("POST", "/automations", { name: "a", trigger: "x", actions });
    await as("PATCH", `/automations/${automation.id}`, { name: "b" });
    await as("DELETE", `/automations/${automation.id}`);
    await as("DELETE", `/segments/${segment.id}`);
    await as("DELETE", at);
    await call("PATCH", own, { name: "Renamed" });
    await call("DELETE", `${own}/keys/${made.body.id}`);
    await call("DELETE", own);

    const rows = await auditOf(tenant);
    const key = made.body.id;
    expect(rows.map(({ actor, action, target, fields }) => [actor, action, target, fields]).toReversed()).toEqual([
      ["operator", "tenant.created", tenant, null],
      ["operator", "key.created", key, null],
      [key, "endpoint.created", endpoint.id, null],
      [key, "endpoint.updated", endpoint.id, ["name", "headers"]],
      [key, "secret.rotated", endpoint.id, null],
      [key, "secret.promoted", endpoint.id, null],
      [key, "segment.created", segment.id, null],
      [key, "segment.updated", segment.id, ["filter"]],
      [key, "automation.created", automation.id, null],
      [key, "automation.updated", automation.id, ["name"]],
      [key, "automation.deleted", automation.id, null],
      [key, "segment.deleted", segment.id, null],
      [key, "endpoint.deleted", endpoint.id, null],
      ["operator", "tenant.updated", tenant, ["name"]],
      ["operator", "key.deleted", key, null],
      ["operator", "tenant.deleted", tenant, null],
    ]);
    for (const row of rows) {
      expect(row).toMatchObject({ id: expect.stringMatching(/^aud_/), tenant, at: expect.stringMatching(/Z$/) });
    }
    expect(JSON.stringify(rows)).not.toMatch(/hidden|phk_/);
  });

  it("is read by a tenant's admins, of all that is theirs or of one thing", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const url = (await newReceiver()).url;
    const [one, two] = [await newEndpoint(tenant, url), await newEndpoint(tenant, url)];
    await newEndpoint(other, url);
    const made = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "k", role: "admin" });
    const headers = { Authorization: `Bearer ${made.body.key}` };
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${one.id}`, { enabled: false }, headers);
    const read = (query = "") => call("GET", `/v1/tenants/${tenant}/audit${query}`, undefined, headers);
    const said = ({ body }: Answered) => body.data.map((row: Answered["body"]) => [row.actor, row.action, row.target]);
    const { id: key } = made.body;
    expect(said(await read())).toEqual([
      [key, "endpoint.disabled", one.id],
      ["operator", "key.created", key],
      ["operator", "endpoint.created", two.id],
      ["operator", "endpoint.created", one.id],
      ["operator", "tenant.created", tenant],
    ]);
    const { body } = await read(`?target=${one.id}&limit=1`);
    expect(body.data).toMatchObject([{ actor: key, action: "endpoint.disabled", fields: null }]);
    const rest = await read(`?target=${one.id}&limit=1&cursor=${body.nextCursor}`);
    expect([said(rest), rest.body.nextCursor]).toEqual([[["operator", "endpoint.created", one.id]], null]);
    expect(said(await read("?target=nothing"))).toEqual([]);
    expect((await read("?target=")).status).toBe(422);
    expect((await call("GET", `/v1/tenants/${other}/audit`, undefined, headers)).status).toBe(404);
  });

  it("has the operator's changes of event types, which are no tenant's", async ({ expect }) => {
    const name = fresh("type");
    const path = `/v1/event-types/${name}`;
    await call("PUT", path, { title: "A" });
    await call("PATCH", path, { title: "B" });
    await call("DELETE", path);
    await call("POST", "/v1/event-types/catalogs/finder");
    const { body } = await call("GET", "/v1/audit");
    const rows = body.data.slice(0, 4).toReversed() as Answered["body"][];
    expect(rows.map(({ action, target, tenant, fields }) => [action, target, tenant, fields])).toEqual([
      ["eventtype.put", name, null, null],
      ["eventtype.updated", name, null, ["title"]],
      ["eventtype.deleted", name, null, null],
      ["eventtype.installed", "finder", null, null],
    ]);
  });

  it("has no row for what was refused or was not there", async ({ expect }) => {
    const tenant = await newTenant();
    const own = `/v1/tenants/${tenant}`;
    await newEndpoint(tenant, (await newReceiver()).url, { uid: "crm" });
    const before = await auditOf(tenant);
    const { url } = await newReceiver();
    expect((await call("POST", `${own}/endpoints`, { url, events: ["*"], uid: "crm" })).status).toBe(409);
    expect((await call("POST", `${own}/endpoints`, { url })).status).toBe(422);
    expect((await call("POST", "/v1/tenants", { id: tenant, name: "again" })).status).toBe(409);
    for (const path of ["/endpoints/ep_none", "/segments/seg_none", "/automations/aut_none", "/keys/key_none"]) {
      expect((await call("DELETE", `${own}${path}`)).status, path).toBe(404);
    }
    expect((await call("PATCH", `${own}/segments/seg_none`, { name: "x" })).status).toBe(404);
    expect(await auditOf(tenant)).toEqual(before);
  });

  it("has a row for each time that a secret was read, and none for who was refused it", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { uid: "crm" });
    const path = `/v1/tenants/${tenant}/endpoints/crm/secret`;
    const { body: viewer } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "v", role: "viewer" });
    expect((await call("GET", path, undefined, { Authorization: `Bearer ${viewer.key}` })).status).toBe(403);
    expect((await call("GET", path)).status).toBe(200);
    const portal = await inPortal(tenant);
    const page = `/portal/tenants/${tenant}/endpoints/${id}`;
    expect((await portal.submit(page, `${page}/reveal`, {})).status).toBe(200);
    const [link] = (await call("GET", `/v1/tenants/${tenant}/portal-links`)).body.data;
    const reads = (await auditOf(tenant)).filter(({ action }) => action === "secret.read");
    expect(reads.map(({ actor, target }) => [actor, target])).toEqual([
      [link.id, id],
      ["operator", id],
    ]);
    // Where nothing can be written down, nothing is shown.
    await env.DB.prepare(
      "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    ).run();
    onTestFinished(async () => void (await env.DB.prepare("DROP TRIGGER full").run()));
    const refused = await call("GET", path);
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(refused.text).not.toContain("secret");
  });

  it("has one row for an endpoint that was disabled by itself, and none of its own for a person's", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const gone = await newEndpoint(tenant, (await newReceiver({ status: 410 })).url);
    const byHand = await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
    await post(tenant);
    const { disabledAt } = await until("its end", async () => {
      const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${gone.id}`);
      return !body.enabled && body;
    });
    // Told once more, it is the same: the object reads its row and compares.
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${gone.id}`, { name: "n" });
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${byHand.id}`, { enabled: false });
    const rows = (await auditOf(tenant)).filter(({ action }) => action === "endpoint.disabled");
    expect(rows.map(({ actor, target, at }) => [actor, target, at])).toEqual([
      ["operator", byHand.id, expect.any(String)],
      ["posthorn", gone.id, disabledAt],
    ]);
    const { disabledAt: again } = (await call("GET", `/v1/tenants/${tenant}/endpoints/${gone.id}`)).body;
    const enablement = { enabled: false, disabledReason: "gone" as const, disabledAt: Date.parse(again) };
    await mirrorEnablement(env.DB, tenant, gone.id, enablement, [enablement.disabledAt]);
    expect((await auditOf(tenant)).filter(({ action }) => action === "endpoint.disabled")).toHaveLength(2);
  });

  it.for(["is enabled again", "is deleted", "is enabled, and disabled again"] as const)(
    "has a row for an endpoint that was disabled by itself and %s before D1 could be told",
    async (undone, { expect }) => {
      const tenant = await newTenant();
      const receiver = await newReceiver({ status: 410 });
      const { id } = await newEndpoint(tenant, receiver.url);
      const object = env.ENDPOINT.getByName(`${tenant}/${id}`) as unknown as DurableObjectStub;
      const state = () =>
        runInDurableObject(object, (_, { storage }) => {
          const [row] = storage.sql.exec("SELECT value FROM state WHERE name = 'fortune'").toArray();
          return JSON.parse(String(row?.value ?? "{}")) as { enabled: boolean; mirrorAt: number | null };
        });
      // D1 takes nothing of what the object says of itself.
      const out = `CREATE TRIGGER out BEFORE INSERT ON audit WHEN NEW.actor = 'posthorn'
        BEGIN SELECT RAISE(ABORT, 'out of reach'); END`;
      await env.DB.prepare(out).run();
      onTestFinished(async () => {
        await env.DB.prepare("DROP TRIGGER IF EXISTS out").run();
      });
      await post(tenant);
      await until("its end", async () => (await state()).enabled === false);
      const inAudit = async () =>
        (await auditOf(tenant)).filter((row) => row.action === "endpoint.disabled" && row.actor === "posthorn");
      if (undone !== "is deleted") await env.ENDPOINT.getByName(`${tenant}/${id}`).configure({ enabled: true });
      if (undone === "is enabled, and disabled again") {
        await post(tenant);
        await until("its end", async () => (await state()).enabled === false);
      }
      expect(await inAudit()).toEqual([]);
      await env.DB.prepare("DROP TRIGGER out").run();
      if (undone === "is deleted") await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => {
        vi.useRealTimers();
      });
      vi.setSystemTime(Date.now() + MINUTE);
      await runDurableObjectAlarm(object);
      expect(await inAudit()).toHaveLength(undone === "is enabled, and disabled again" ? 2 : 1);
      await runDurableObjectAlarm(object);
      expect(await inAudit()).toHaveLength(undone === "is enabled, and disabled again" ? 2 : 1);
    },
  );

  it("is listed page by page, and within a span of time", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const tenant = await newTenant();
    const start = Date.now();
    const ids: string[] = [];
    for (let i = 1; i <= 5; i++) {
      vi.setSystemTime(start + i * 1_000);
      await call("PATCH", `/v1/tenants/${tenant}`, { name: `Name ${i}` });
      ids.push((await auditOf(tenant))[0].id);
    }
    const at = (i: number) => new Date(start + i * 1_000).toISOString();
    const found = await auditOf(tenant, `&since=${at(2)}&until=${at(4)}`);
    expect(found.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null && pages < 10; pages++) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await call("GET", `/v1/audit?tenant=${tenant}&since=${at(1)}&limit=2${query}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(ids.toReversed());
    for (const query of ["since=yesterday", "cursor=ep_1", "limit=0"]) {
      expect((await call("GET", `/v1/audit?${query}`)).status, query).toBe(422);
    }
  });
});

describe("rows of the audit that are older than its retention", () => {
  const old = async () => env.DB.prepare("SELECT count(*) AS n FROM audit WHERE action = 'past'").first<number>("n");

  it("go with later changes, the oldest first and some at a time, and no others", async ({ expect }) => {
    const now = Date.now();
    const write = (at: number, action: string) =>
      env.DB.prepare("INSERT INTO audit (id, at, actor, action, target) VALUES (?, ?, 'operator', ?, 't')")
        .bind(newId("aud", at), at, action)
        .run();
    for (let i = 1; i <= 25; i++) await write(now - AUDIT_RETENTION - i * DAY, "past");
    await write(now - AUDIT_RETENTION + DAY, "present");
    const left: (number | null)[] = [];
    for (let i = 0; i < 4; i++) {
      await newTenant();
      left.push(await old());
    }
    expect(left).toEqual([15, 5, 0, 0]);
    const rows = await env.DB.prepare("SELECT count(*) AS n FROM audit WHERE action = 'present'").first("n");
    expect(rows).toBe(1);
    const tenant = await newTenant();
    expect((await auditOf(tenant)).map(({ action }) => action)).toEqual(["tenant.created"]);
  });

  it("do not go with a change that failed", async ({ expect }) => {
    const at = Date.now() - AUDIT_RETENTION - DAY;
    const insert = "INSERT INTO audit (id, at, actor, action, target) VALUES (?, ?, 'operator', 'past', 't')";
    await env.DB.prepare(insert).bind(newId("aud", at), at).run();
    await env.DB.prepare(
      "CREATE TRIGGER full BEFORE INSERT ON tenants BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    ).run();
    try {
      expect((await call("POST", "/v1/tenants", { id: fresh("t"), name: "n" })).status).toBeGreaterThanOrEqual(500);
      expect(await old()).toBe(1);
    } finally {
      await env.DB.prepare("DROP TRIGGER full").run();
    }
  });
});
