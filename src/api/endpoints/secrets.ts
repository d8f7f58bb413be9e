import { z } from "@hono/zod-openapi";
import { type AuditAction, auditRead } from "../../config/access/audit";
import { effectiveSettings, updateEndpoint } from "../../config/endpoints/endpoints";
import {
  MAX_SECRETS,
  newSecret,
  type Overlapping,
  openSecrets,
  secretColumns,
  secretRefusal,
  secretsAt,
  withNewSecret,
} from "../../config/endpoints/secrets";
import { invalidateSnapshot } from "../../config/snapshot";
import { repeated } from "../../config/version";
import { secretsKey, secretsKeys } from "../../contracts/env";
import type { EndpointSettings } from "../../contracts/settings";
import { seal } from "../../lib/crypto";
import { DAY, iso, isoOrNull, SECOND } from "../../lib/time";
import { entry } from "../access/audit";
import { type AppContext, router } from "../http/context";
import { MANAGERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid, Problem } from "../problems/problem";
import { atEndpoint } from "../spec/parameters";
import { isoTime, json, named, optionalBody, problems } from "../spec/schemas";
import { secretField } from "./endpoint-shape";
import { configureEndpoint, endpointOf } from "./endpoints";

const base = "/v1/tenants/{tenant}/endpoints/{endpoint}/secret";
const DEFAULT_OVERLAP = DAY / SECOND;
const LONGEST_OVERLAP = (7 * DAY) / SECOND;

const FULL = `At most ${MAX_SECRETS} secrets overlap. Promote the newest, rotate with no overlap, or wait until one ends.`;

const between = named(
  "OverlappingSecret",
  z.object({ from: isoTime.describe("When it becomes the oldest.") }),
  "A secret that is neither the oldest nor the newest.",
);
const secretShape = named(
  "SigningSecret",
  z.object({
    secret: z.string().nullable().describe("The oldest secret that signs; `null`: nothing is signed."),
    next: z.string().nullable().describe("The newest secret, while others overlap with it; else `null`."),
    nextFrom: isoTime.nullable().describe("When the newest secret is the only one; `null`: it is."),
    between: z.array(between).optional().describe("The secrets between the two, oldest first, while there are any."),
  }),
  "What an endpoint's deliveries are signed with.",
);

const get = createRoute({
  method: "get",
  path: base,
  operationId: "getSecret",
  summary: "Get the signing secret",
  description: "Who reads it stands in the audit log.",
  tags: ["Secrets"],
  roles: MANAGERS,
  request: { params: atEndpoint },
  responses: { 200: json(secretShape, "the signing secret"), ...problems(401, 404) },
});

const rotate = createRoute({
  method: "post",
  path: `${base}/rotate`,
  operationId: "rotateSecret",
  summary: "Replace the signing secret",
  description:
    "The new secret signs at once, beside those that are there: a header that can list signatures lists all, the newest " +
    "first; any other carries the oldest one's, with the newest one's in `<Header>-Next`. At `promotesAt` the new one " +
    "takes over and all older ones end: that is `overlap` seconds from now (a day unless said), but never before an " +
    `older one was to take over. \`overlap: 0\` ends all others at once. At most ${MAX_SECRETS} overlap, else 409.`,
  tags: ["Secrets"],
  roles: MANAGERS,
  request: {
    params: atEndpoint,
    ...optionalBody(
      named(
        "Rotation",
        z.strictObject({
          secret: secretField.optional().describe("The new secret; without one it is generated."),
          overlap: z
            .number()
            .int()
            .min(0)
            .max(LONGEST_OVERLAP)
            .optional()
            .describe("Seconds for which receivers are still sent the old secret's signature; a day unless said."),
        }),
        "How the secret is to be replaced.",
      ),
      { overlap: 86_400 },
    ),
  },
  responses: {
    200: json(
      named(
        "RotatedSecret",
        z.object({
          secret: z.string().describe("The new secret."),
          promotesAt: isoTime.describe("When it takes over and all older ones end."),
        }),
        "A new secret.",
      ),
      "the new secret, and when it takes over",
    ),
    ...problems(400, 401, 404, 409, 422),
  },
});

const promote = createRoute({
  method: "post",
  path: `${base}/promote`,
  operationId: "promoteSecret",
  summary: "End the overlap of secrets",
  description: "The newest secret takes over at once; all others end.",
  tags: ["Secrets"],
  roles: MANAGERS,
  request: { params: atEndpoint },
  responses: { 200: json(secretShape, "the new secret has taken over"), ...problems(401, 404, 409) },
});

/** The signing secret of an endpoint, and its replacement. */
export const secretRoutes = router()
  .openapi(get, async (c) => {
    const { id } = await endpointOf(c);
    // First: nobody is shown it without a trace.
    await auditRead(c.get("config"), entry(c, "secret.read", id), Date.now());
    return c.json(await shown(c), 200);
  })
  .openapi(rotate, async (c) => {
    const { secret: own, overlap = DEFAULT_OVERLAP } = c.req.valid("json");
    const rotated = await change(c, "secret.rotated", async (settings, now) => {
      const { scheme } = settings.signature;
      if (scheme === "none") throw invalid({ path: "secret", message: "is of no use under the scheme none" });
      const why = own === undefined ? null : secretRefusal(scheme, own);
      if (why !== null) throw invalid({ path: "secret", message: why });
      const secret = own ?? newSecret(scheme);
      const sealed = await seal(secretsKey(c.env), settings.owner, secret);
      const rotated = withNewSecret(secretsAt(settings, now), sealed, overlap * SECOND, now);
      if (rotated === "full") throw new Problem("secrets-too-many", FULL);
      return { secrets: rotated.secrets, answer: { secret, promotesAt: iso(rotated.promotesAt) } };
    });
    return c.json(rotated, 200);
  })
  .openapi(promote, async (c) => {
    await change(c, "secret.promoted", async (settings, now) => {
      const [, ...newer] = secretsAt(settings, now);
      if (newer.length === 0) throw new Problem("no-next-secret", "There is no new secret to promote; rotate first.");
      return { secrets: newer.slice(-1), answer: null };
    });
    return c.json(await shown(c), 200);
  });

async function shown(c: AppContext): Promise<z.infer<typeof secretShape>> {
  const settings = effectiveSettings(await endpointOf(c));
  const now = Date.now();
  const [secret = null, ...newer] = await openSecrets(secretsKeys(c.env), settings, now);
  const [, ...following] = secretsAt(settings, now);
  const between = following.slice(0, -1).map(({ from }) => ({ from: iso(from ?? now) }));
  return {
    secret,
    next: newer.at(-1) ?? null,
    nextFrom: isoOrNull(following.at(-1)?.from),
    ...(between.length === 0 ? {} : { between }),
  };
}

/** Changes an endpoint's secrets as `decide` says of how they stand, in its own words. */
async function change<T>(
  c: AppContext,
  action: AuditAction,
  decide: (settings: EndpointSettings, now: number) => Promise<{ secrets: Overlapping[]; answer: T }>,
): Promise<T> {
  const { endpoint, answer } = await repeated(async () => {
    const read = await endpointOf(c);
    const now = Date.now();
    const decided = await decide(effectiveSettings(read), now);
    await updateEndpoint(c.get("config"), read, secretColumns(decided.secrets), now, entry(c, action, read.id));
    return { endpoint: read.id, answer: decided.answer };
  });
  invalidateSnapshot(c.get("tenant"));
  await configureEndpoint(c, endpoint, {});
  return answer;
}
