import type { TenantRole } from "../config/principal";

/**
 * What the keys and portals of tenants may do, by method and path; the operator may do everything. What is not named here is
 * refused to every one of them, so a new route is the operator's until it has a rule. That a key acts only on its own
 * tenant is decided before: auth.ts.
 */
const TENANT = "/v1/tenants/{tenant}";
const ENDPOINT = `${TENANT}/endpoints/{endpoint}`;
const EVENT = `${TENANT}/events/{event}`;

const ADMIN: readonly TenantRole[] = ["admin"];
/** Who manages endpoints: a portal is for that, and for reading what they got. */
const MANAGERS: readonly TenantRole[] = ["admin", "portal"];
const READERS: readonly TenantRole[] = ["admin", "viewer", "portal", "portal-viewer"];
const PRODUCERS: readonly TenantRole[] = ["admin", "producer"];
const ANY: readonly TenantRole[] = ["admin", "producer", "viewer", "portal", "portal-viewer"];

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const RULES: readonly [path: string, Partial<Record<Method, readonly TenantRole[]>>][] = [
  [TENANT, { GET: READERS }],
  [`${TENANT}/keys`, { GET: ADMIN, POST: ADMIN }],
  [`${TENANT}/keys/{key}`, { DELETE: ADMIN }],
  [`${TENANT}/portal-links`, { GET: ADMIN, POST: ADMIN }],
  [`${TENANT}/portal-links/{link}`, { GET: ADMIN, DELETE: ADMIN }],
  [`${TENANT}/endpoints`, { GET: READERS, POST: MANAGERS }],
  [ENDPOINT, { GET: READERS, PATCH: MANAGERS, DELETE: MANAGERS }],
  [`${ENDPOINT}/secret`, { GET: MANAGERS }],
  [`${ENDPOINT}/secret/rotate`, { POST: MANAGERS }],
  [`${ENDPOINT}/secret/promote`, { POST: MANAGERS }],
  [`${ENDPOINT}/test`, { POST: MANAGERS }],
  [`${ENDPOINT}/health`, { GET: READERS }],
  [`${ENDPOINT}/deliveries`, { GET: READERS }],
  [`${ENDPOINT}/deliveries/{delivery}`, { GET: READERS }],
  [`${ENDPOINT}/deliveries/{delivery}/resend`, { POST: MANAGERS }],
  [`${ENDPOINT}/recover`, { POST: MANAGERS }],
  [`${TENANT}/deliveries`, { GET: READERS }],
  [`${TENANT}/stats`, { GET: READERS }],
  [`${TENANT}/events`, { GET: READERS, POST: PRODUCERS }],
  [`${TENANT}/events/batch`, { POST: PRODUCERS }],
  [EVENT, { GET: READERS }],
  [`${EVENT}/replay`, { POST: MANAGERS }],
  [`${EVENT}/explain`, { GET: READERS }],
  [`${EVENT}/content`, { DELETE: ADMIN }],
  [`${TENANT}/observations`, { POST: PRODUCERS }],
  [`${TENANT}/observations/batch`, { POST: PRODUCERS }],
  [`${TENANT}/segments`, { GET: READERS, POST: ADMIN }],
  [`${TENANT}/segments/{segment}`, { GET: READERS, PATCH: ADMIN, DELETE: ADMIN }],
  [`${TENANT}/automations`, { GET: READERS, POST: ADMIN }],
  [`${TENANT}/automations/{automation}`, { GET: READERS, PATCH: ADMIN, DELETE: ADMIN }],
  [`${TENANT}/signals`, { GET: READERS, POST: ADMIN }],
  [`${TENANT}/signals/{signal}`, { GET: READERS, PATCH: ADMIN, DELETE: ADMIN }],
  // A dry run stores nothing.
  [`${TENANT}/signals/test`, { POST: READERS }],
  [`${TENANT}/signals/catalogs/{profile}`, { POST: ADMIN }],
  [`${TENANT}/lists`, { GET: READERS, POST: ADMIN }],
  [`${TENANT}/lists/{list}`, { GET: READERS, PATCH: ADMIN, DELETE: ADMIN }],
  [`${TENANT}/lists/{list}/items/{item}`, { PUT: ADMIN, DELETE: ADMIN }],
  ["/v1/event-types", { GET: ANY }],
  ["/v1/event-types/{name}", { GET: ANY }],
  ["/v1/event-types/catalogs/{profile}", { GET: ANY }],
];

const PATTERNS = RULES.map(([path, roles]) => ({ segments: path.split("/"), roles }));

/** Whether a tenant's key or portal of that role may use the method on the path. Pure; what has no rule is refused. */
export function allowed(role: TenantRole, method: string, path: string): boolean {
  const verb = method === "HEAD" ? "GET" : method;
  const segments = path.split("/");
  // A path that fits a rule word for word is that rule's alone: `/events/batch` is no event.
  const fits = PATTERNS.filter((pattern) => matches(pattern.segments, segments));
  const exact = Math.min(...fits.map(placeholders));
  return fits.some((rule) => placeholders(rule) === exact && rule.roles[verb as Method]?.includes(role) === true);
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((segment, i) => (segment.startsWith("{") ? path[i] !== "" : segment === path[i]))
  );
}

function placeholders({ segments }: { segments: readonly string[] }): number {
  return segments.filter((segment) => segment.startsWith("{")).length;
}
