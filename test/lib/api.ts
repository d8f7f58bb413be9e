import { env, exports } from "cloudflare:workers";
import { inject } from "vitest";
import { fresh } from "./fresh";
import type { Answer, Received } from "./servers/receive";
import { until } from "./until";

export { fresh, until };

/** An answer of the API: its status and its body, which tests look into freely. */
export interface Answered {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read JSON answers as they come
  body: any;
  text: string;
}

/** Calls the Worker's API with the operator key; a body of text or bytes goes out as it is. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const bearer = { Authorization: `Bearer ${env.OPERATOR_KEY}` };
  return answered(await exports.default.fetch(requestTo(method, path, body, { ...bearer, ...headers })));
}

/** A request to the Worker, of nobody yet. */
export function requestTo(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Request {
  return new Request(`https://posthorn.test${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
  });
}

/** An answer, read to its end. */
export async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const json = response.headers.get("Content-Type")?.includes("json") && text !== "";
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : null, text };
}

function isRaw(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === "string" || body instanceof Uint8Array;
}

/** A new tenant's id. */
export async function newTenant(): Promise<string> {
  const tenant = fresh("t");
  await call("PUT", `/v1/tenants/${tenant}`, { name: "Test" });
  return tenant;
}

/** A path of the loopback receiver that answers by plan; the last answer repeats. */
export async function newReceiver(...plan: Answer[]) {
  const name = fresh("r");
  const base = inject("receiver");
  const answer = async (...next: Answer[]) => {
    await fetch(`${base}/plan/${name}`, { method: "PUT", body: JSON.stringify(next) });
  };
  await answer(...(plan.length > 0 ? plan : [{}]));
  const seen = async (): Promise<Received[]> => (await fetch(`${base}/seen/${name}`)).json();
  return {
    url: `${base}/in/${name}`,
    answer,
    seen,
    /** The requests once there are at least `count`. */
    async arrived(count = 1): Promise<Received[]> {
      return until(`${count} requests`, async () => {
        const requests = await seen();
        return requests.length >= count && requests;
      });
    },
  };
}

/** Where the receiver of raw-server.ts misbehaves so, at an address of its own; `name` is its tally's. */
export async function misbehavingUrl(misbehaviour: string, name = fresh("m")): Promise<string> {
  const address = await (await fetch(`http://${inject("raw")}/listen`)).text();
  return `http://${address}/${misbehaviour}/${name}`;
}

/** A new endpoint, as its creation answers it; it gets every event unless `fields` say otherwise. */
export async function newEndpoint(tenant: string, url: string, fields: object = {}): Promise<Answered["body"]> {
  const answer = await call("POST", `/v1/tenants/${tenant}/endpoints`, { url, events: ["*"], ...fields });
  if (answer.status !== 201) throw new Error(`the endpoint was refused: ${answer.text}`);
  const { warnings: _, ...endpoint } = answer.body;
  return endpoint;
}

/** Posts an event and answers the 202's body. */
export async function post(tenant: string, event = "lead.hot", data: object = {}): Promise<Answered["body"]> {
  const answer = await call("POST", `/v1/tenants/${tenant}/events`, { event, data });
  if (answer.status !== 202) throw new Error(`the event was refused: ${answer.text}`);
  return answer.body;
}

/** The path of a delivery, given as in the 202. */
export function deliveryPath(tenant: string, { id, endpoint }: { id: string; endpoint: string }): string {
  return `/v1/tenants/${tenant}/endpoints/${endpoint}/deliveries/${id}`;
}

/** A delivery with its attempts, once it has the status. */
export async function delivery(
  tenant: string,
  ref: { id: string; endpoint: string },
  status: string,
): Promise<Answered["body"]> {
  return until(`the delivery to be ${status}`, async () => {
    const { body } = await call("GET", deliveryPath(tenant, ref));
    return body.status === status && body;
  });
}
