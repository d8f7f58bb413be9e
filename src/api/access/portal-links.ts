import { z } from "@hono/zod-openapi";
import {
  findPortalLink,
  insertPortalLink,
  listPortalLinks,
  makerOf,
  makersOf,
  newPortalToken,
  type PortalLink,
  revokePortalLink,
} from "../../config/access/portal-links";
import { secretsKey, secretsKeys } from "../../contracts/env";
import { newId } from "../../lib/ids";
import { operatorKeys } from "../../lib/operator";
import { DAY, HOUR, iso, isoOrNull, SECOND } from "../../lib/time";
import { type AppContext, router } from "../http/context";
import { resource } from "../http/resource";
import { ADMIN } from "../http/roles";
import { inTenant } from "../spec/parameters";
import { createdAt, isoTime, named, optionalBody } from "../spec/schemas";
import { entry } from "./audit";

const DEFAULT_LIFE = HOUR / SECOND;
const LONGEST_LIFE = (7 * DAY) / SECOND;

const path = z
  .string()
  .max(500)
  .regex(/^\/(?![/\\])[!-"$-[\]-~]*$/, "must be a path that begins with one /, such as /endpoints")
  .refine((text) => !/(^|\/)\.{1,2}(?=[/?]|$)/.test(text), "may not have . or .. for a part");

const input = named(
  "PortalLinkInput",
  z.strictObject({
    expiresIn: z
      .number()
      .int()
      .min(1)
      .max(LONGEST_LIFE)
      .optional()
      .openapi({ description: "Seconds until the link and its session end; an hour unless said." }),
    readOnly: z
      .boolean()
      .optional()
      .openapi({ description: "Its visitor reads endpoints and logs, changes nothing and sees no secret." }),
    path: path
      .nullable()
      .optional()
      .openapi({ description: "The page to open, below the tenant's: `/endpoints`. Without it, the first one." }),
  }),
  "A portal link to be created.",
);

const fields = {
  id: z.string().describe("Its id: `lnk_…`."),
  readOnly: z.boolean().describe("Whether its visitor only reads, and sees no secret."),
  path: z.string().nullable().describe("The page that it opens; `null`: the first one."),
  expiresAt: isoTime.describe("When the link and the session that it opened end."),
};
const linkShape = named(
  "PortalLink",
  z.object({
    ...fields,
    madeBy: z
      .string()
      .nullable()
      .describe("The id of the key that made it, with whose end it ends, or `operator`; `null`: it is not known."),
    createdAt,
    openedAt: isoTime.nullable().describe("When it was exchanged for a session; `null`: not yet."),
    endedAt: isoTime.nullable().describe("When its visitor signed out; `null`: they did not."),
  }),
  "A link that opens the dashboard for one tenant, and its session.",
);
const linkCreated = named(
  "PortalLinkCreated",
  z.object({ ...fields, url: z.url().describe("The link. It is not shown again.") }),
  "A portal link that was created.",
);

function toShape(link: PortalLink): z.infer<typeof linkShape> {
  const { id, readOnly, path, createdAt, expiresAt, openedAt, endedAt } = link;
  return {
    id,
    readOnly,
    path,
    madeBy: makerOf(link),
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    openedAt: isoOrNull(openedAt),
    endedAt: isoOrNull(endedAt),
  };
}

function makers(c: AppContext): Promise<string[]> {
  return makersOf(secretsKeys(c.env), operatorKeys(c.env));
}

/** Who makes a link, as its row says it. */
async function maker(c: AppContext): Promise<string> {
  const { key, nth = 0 } = c.get("principal") as { key: string | null; nth?: number };
  if (key !== null) return key;
  const [made = ""] = await makersOf([secretsKey(c.env)], operatorKeys(c.env).slice(nth, nth + 1));
  return made;
}

const link = resource({
  path: "/v1/tenants/{tenant}/portal-links",
  param: "link",
  at: inTenant.extend({ link: z.string().describe("The link's id.") }),
  name: "PortalLink",
  tag: "Portal",
  prefix: "lnk",
  readers: ADMIN,
  unknown: "portal-link-unknown",
  shape: linkShape,
  find: async (c, id) => findPortalLink(c.get("config"), c.get("tenant"), id, Date.now(), await makers(c)),
  show: toShape,
});

/** Portal links: they let a customer in without a key. */
export const portalLinkRoutes = router()
  .openapi(
    ...link.create(
      {
        summary: "Create a link that opens the tenant's portal",
        description:
          "Opens the dashboard for this one tenant: it manages endpoints and reads logs, and sees no API keys. The link leads to " +
          "a page with a button, which exchanges it for a session, once; looking at it changes nothing, so that a scanner of " +
          "mails does not use it up. Link and session end at `expiresAt`, with the key that made the link, and when it is " +
          "revoked. Append `?theme=light` or `?theme=dark` to choose one.",
        takes: optionalBody(input, { expiresIn: 3_600 }),
        answers: linkCreated,
        answered: "created; the link is shown here and never again",
        errors: [400, 401, 403, 404, 422],
      },
      async (c, { expiresIn = DEFAULT_LIFE, readOnly = false, path = null }) => {
        const now = Date.now();
        const id = newId("lnk", now);
        const token = await newPortalToken(secretsKey(c.env));
        const expiresAt = now + expiresIn * SECOND;
        const fields = { id, tenant: c.get("tenant"), expiresAt, readOnly, path, madeBy: await maker(c) };
        const row = await insertPortalLink(c.get("config"), fields, token, now, entry(c, "portallink.created", id));
        const url = new URL(`/portal/open/${token}`, c.req.url).href;
        return { row, name: id, answer: () => ({ id, url, readOnly, path, expiresAt: iso(expiresAt) }) };
      },
    ),
  )
  .openapi(
    ...link.list(
      {
        summary: "List portal links and their sessions",
        description: "Those that have not expired and whose key is there. The links themselves are not kept.",
        errors: [401, 403, 404, 422],
      },
      {
        read: async (c, limit, before) =>
          listPortalLinks(c.get("config"), c.get("tenant"), limit, before, Date.now(), await makers(c)),
      },
    ),
  )
  .openapi(
    ...link.get({
      summary: "Get a portal link and its session",
      description: "The link itself is not kept: this tells when it was opened and when it ends.",
      answered: "the link",
      errors: [401, 403, 404],
    }),
  )
  .openapi(
    ...link.remove(
      {
        summary: "Revoke a portal link and its session",
        description: "The link opens nothing any more, and the session that it opened ends.",
        answered: "revoked: it opens nothing, and what it opened is closed",
        errors: [401, 403, 404],
      },
      (c, id, read) =>
        revokePortalLink(c.get("config"), c.get("tenant"), id, Date.now(), entry(c, "portallink.revoked", id), read),
    ),
  );
