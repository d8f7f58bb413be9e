import { env } from "cloudflare:workers";
import { entityStub } from "../../src/contracts/find";
import { type Answered, call } from "../lib/api";

/** A rule over companies, as it is posted. */
export function rule(when: object, fields: object = {}): object {
  return { name: "n", emit: "it.fired", entity: "company.domain", when, ...fields };
}

/** A new rule's id. */
export async function newSignal(tenant: string, when: object, fields: object = {}): Promise<string> {
  const answer = await call("POST", `/v1/tenants/${tenant}/signals`, rule(when, fields));
  if (answer.status !== 201) throw new Error(`the rule was refused: ${answer.text}`);
  return answer.body.id;
}

/** An observation of a company. */
export function seen(domain: string, leadScore?: number, fields: object = {}): object {
  return { company: { domain, ...(leadScore === undefined ? {} : { leadScore }) }, ...fields };
}

/** Posts an observation and answers what it was answered. */
export function observe(
  tenant: string,
  observation: unknown,
  headers: Record<string, string> = {},
  query = "",
): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/observations${query}`, observation, headers);
}

/** The types that an observation emitted. */
export async function emitted(tenant: string, observation: unknown): Promise<string[]> {
  const { status, body, text } = await observe(tenant, observation);
  if (status !== 202) throw new Error(`the observation was refused: ${text}`);
  return body.events.map(({ event }: { event: string }) => event);
}

/** The events in the tenant's log, oldest first. */
export async function logged(tenant: string): Promise<Answered["body"][]> {
  const { body } = await call("GET", `/v1/tenants/${tenant}/events?limit=250`);
  return body.data.toReversed();
}

/** An event with its data. */
export async function eventOf(tenant: string, id: string): Promise<Answered["body"]> {
  return (await call("GET", `/v1/tenants/${tenant}/events/${id}`)).body;
}

/** The object of an entity, to be driven by hand. */
export async function entityObject(tenant: string, key: string) {
  const row = await env.DB.prepare("SELECT created_at FROM tenants WHERE id = ?").bind(tenant).first();
  return entityStub(env, tenant, row?.created_at as number, key);
}
