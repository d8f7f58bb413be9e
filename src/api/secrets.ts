import { createRoute, z } from "@hono/zod-openapi";
import { effectiveSettings, updateEndpoint } from "../config/endpoints";
import { newSecret, openSecrets, secretRefusal, secretsAt } from "../config/secrets";
import { invalidateSnapshot } from "../config/snapshot";
import { seal } from "../lib/crypto";
import { secretsKey, secretsKeys } from "../lib/env";
import { DAY, iso, isoOrNull, SECOND } from "../lib/time";
import { entry } from "./audit";
import { type AppContext, router } from "./context";
import { secretField } from "./endpoint-shape";
import { configureEndpoint, endpointOf, endpointParams } from "./endpoints";
import { invalid, Problem } from "./problem";
import { isoTime, json, optionalBody, problems } from "./schemas";

const base = "/v1/tenants/{tenant}/endpoints/{endpoint}/secret";
const DEFAULT_OVERLAP = DAY / SECOND;
const LONGEST_OVERLAP = (7 * DAY) / SECOND;

const secretShape = z.object({
  secret: z.string().nullable(),
  /** The secret that is to follow, and when. */
  next: z.string().nullable(),
  nextFrom: isoTime.nullable(),
});

const get = createRoute({
  method: "get",
  path: base,
  operationId: "getSecret",
  summary: "Get the signing secret",
  tags: ["Secrets"],
  request: { params: endpointParams },
  responses: { 200: json(secretShape, "the signing secret"), ...problems(401, 404) },
});

const rotate = createRoute({
  method: "post",
  path: `${base}/rotate`,
  operationId: "rotateSecret",
  summary: "Replace the signing secret",
  tags: ["Secrets"],
  request: {
    params: endpointParams,
    ...optionalBody(
      z.strictObject({
        secret: secretField.optional(),
        /** Seconds for which receivers are still sent the old secret's signature. */
        overlap: z.number().int().min(0).max(LONGEST_OVERLAP).optional(),
      }),
      { overlap: 86_400 },
    ),
  },
  responses: {
    200: json(z.object({ secret: z.string(), promotesAt: isoTime }), "the new secret, and when it takes over"),
    ...problems(400, 401, 404, 422),
  },
});

const promote = createRoute({
  method: "post",
  path: `${base}/promote`,
  operationId: "promoteSecret",
  summary: "End the overlap of two secrets",
  tags: ["Secrets"],
  request: { params: endpointParams },
  responses: { 200: json(secretShape, "the new secret has taken over"), ...problems(401, 404, 409) },
});

/** The signing secret of an endpoint, and its replacement. */
export const secretRoutes = router()
  .openapi(get, async (c) => c.json(await shown(c), 200))
  .openapi(rotate, async (c) => {
    const { secret: own, overlap = DEFAULT_OVERLAP } = c.req.valid("json");
    const now = Date.now();
    const settings = effectiveSettings(await endpointOf(c));
    const { scheme } = settings.signature;
    if (scheme === "none") throw invalid({ path: "secret", message: "is of no use under the scheme none" });
    const why = own === undefined ? null : secretRefusal(scheme, own);
    if (why !== null) throw invalid({ path: "secret", message: why });
    const secret = own ?? newSecret(scheme);
    const sealed = await seal(secretsKey(c.env), settings.owner, secret);
    const { current } = secretsAt(settings, now);
    const promotesAt = current === null ? now : now + overlap * SECOND;
    await change(
      c,
      "secret.rotated",
      settings.endpoint,
      promotesAt <= now || current === null
        ? { secret: sealed, nextSecret: null, nextFrom: null }
        : { secret: current, nextSecret: sealed, nextFrom: promotesAt },
    );
    return c.json({ secret, promotesAt: iso(promotesAt) }, 200);
  })
  .openapi(promote, async (c) => {
    const settings = effectiveSettings(await endpointOf(c));
    const { next } = secretsAt(settings, Date.now());
    if (next === null) throw new Problem("no-next-secret", "There is no new secret to promote; rotate first.");
    await change(c, "secret.promoted", settings.endpoint, { secret: next, nextSecret: null, nextFrom: null });
    return c.json(await shown(c), 200);
  });

async function shown(c: AppContext): Promise<z.infer<typeof secretShape>> {
  const settings = effectiveSettings(await endpointOf(c));
  const now = Date.now();
  const { current, next } = await openSecrets(secretsKeys(c.env), settings, now);
  return { secret: current, next, nextFrom: isoOrNull(secretsAt(settings, now).nextFrom) };
}

async function change(
  c: AppContext,
  action: string,
  endpoint: string,
  secrets: { secret: string; nextSecret: string | null; nextFrom: number | null },
): Promise<void> {
  await updateEndpoint(c.env.DB, c.get("tenant"), endpoint, secrets, Date.now(), entry(c, action, endpoint));
  invalidateSnapshot(c.get("tenant"));
  await configureEndpoint(c, endpoint, {});
}
