import { call, fresh, newEndpoint, newReceiver, newTenant, post, delivery as sent } from "../lib/api";
import { until } from "../lib/until";
import type { Operation } from "./operations";

/** A tenant that has one of everything: what stands in paths, by the parameter's name. */
export type World = Record<string, string>;

/** Makes one. */
export async function newWorld(): Promise<World> {
  const tenant = await newTenant();
  const receiver = await newReceiver();
  const base = `/v1/tenants/${tenant}`;
  // Held at first, so that there is something to recover.
  const { id: endpoint } = await newEndpoint(tenant, receiver.url, { enabled: false });
  const { id: event, deliveries } = await post(tenant);
  const recovery = await recovered(`${base}/endpoints/${endpoint}`);
  await sent(tenant, deliveries[0], "succeeded");
  const segment = await made("POST", `${base}/segments`, { name: "a", filter: { "data.score": { $gt: 1 } } });
  const action = { type: "webhook", endpoint };
  const automation = await made("POST", `${base}/automations`, { name: "a", trigger: "never", actions: [action] });
  const key = await made("POST", `${base}/keys`, { name: "a", role: "viewer" });
  const signal = await made("POST", `${base}/signals`, { name: "a", emit: "b", entity: "c", when: { once: true } });
  const link = await made("POST", `${base}/portal-links`, {});
  const list = fresh("list");
  const item = "acme.com";
  await call("POST", `${base}/lists`, { name: list, items: [item] });
  const name = fresh("type");
  await call("PUT", `/v1/event-types/${name}`, { sample: {} });
  const delivery = deliveries[0].id;
  return {
    tenant,
    endpoint,
    event,
    delivery,
    recovery,
    segment,
    automation,
    signal,
    link,
    list,
    item,
    keyId: key,
    name,
    profile: "clearview",
  };
}

/** Enables an endpoint and recovers what it was held; answers the recovery's id. */
async function recovered(path: string): Promise<string> {
  const since = "2026-01-01T00:00:00Z";
  await until("something is held", async () => {
    return (await call("POST", `${path}/recover?dryRun=true`, { since })).body.count === 1;
  });
  await call("PATCH", path, { enabled: true });
  return (await call("POST", `${path}/recover`, { since })).body.id;
}

async function made(method: string, path: string, body: object): Promise<string> {
  const answer = await call(method, path, body);
  if (answer.status !== 201) throw new Error(`${method} ${path} was refused: ${answer.text}`);
  return answer.body.id;
}

/** The path of an operation in a world, with the query that it demands. */
export function pathIn(world: World, operation: Operation): string {
  const demanded = (operation.parameters ?? []).filter(({ in: where, required }) => where === "query" && required);
  const query = demanded.map(({ name, example }) => `${name}=${example}`).join("&");
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = world[name];
    if (value === undefined) throw new Error(`the world of the tests has nothing for {${name}}: add it`);
    return encodeURIComponent(value);
  });
  return query === "" ? path : `${path}?${query}`;
}

/** A key of the tenant with that role. */
export async function newKey(tenant: string, role: string): Promise<string> {
  const answer = await call("POST", `/v1/tenants/${tenant}/keys`, { name: role, role });
  if (answer.status !== 201) throw new Error(`the key was refused: ${answer.text}`);
  return answer.body.key;
}

/** What the operator reads of a world, but for what moves by itself. */
export async function everythingIn(world: World, operations: readonly Operation[]): Promise<string[]> {
  const reads = operations.filter(({ method, path }) => method === "GET" && path.includes("{tenant}"));
  const still = reads.filter(({ id }) => !/Audit|Deliver|Recover|Health|Stats|Event$|explain/.test(id));
  const answers = await Promise.all(still.map((operation) => call("GET", pathIn(world, operation))));
  // The secret is read among the rest, which the audit then tells.
  const reading = /\{[^{}]*"action":"secret\.read"[^{}]*\},?/g;
  return answers.map(({ status, text }) => `${status} ${text.replace(reading, "")}`);
}
