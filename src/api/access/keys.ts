import { z } from "@hono/zod-openapi";
import { deleteKey, hashOf, insertKey, type KeyRow, keyRows, MAX_KEYS, newKey, ROLES } from "../../config/access/keys";
import { secretsKey } from "../../contracts/env";
import { newId } from "../../lib/ids";
import { iso, isoOrNull } from "../../lib/time";
import { router } from "../http/context";
import { resource } from "../http/resource";
import { ADMIN } from "../http/roles";
import { Problem } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { body, createdAt, isoTime, named, plainText } from "../spec/schemas";
import { entry } from "./audit";

const role = named(
  "KeyRole",
  z.enum(ROLES, { error: () => `must be one of ${ROLES.join(", ")}` }),
  "What a key may do in its tenant. `admin`: everything. `producer`: post events and observations, and no more. `viewer`: read all but secrets and keys.",
);
const keyInput = named(
  "KeyInput",
  z.strictObject({
    name: plainText(200).trim().min(1).describe("What it is for."),
    role: role.describe("What it may do."),
  }),
  "A key to be created.",
);
const fields = {
  id: z.string().describe("Its id, which is not the key: `key_…`."),
  name: z.string().describe("What it is for."),
  role: role.describe("What it may do."),
  createdAt,
  lastUsedAt: isoTime.nullable().describe("When it was last used, to the minute; `null`: never."),
};
const keyShape = named("Key", z.object(fields), "What a service or a person of a tenant calls the API with.");
const keyCreated = named(
  "KeyCreated",
  z.object({ ...fields, key: z.string().describe("The key. It is not shown again.") }),
  "A key that was created.",
);

function toShape({ id, name, role, createdAt, lastUsedAt }: KeyRow): z.infer<typeof keyShape> {
  return { id, name, role, createdAt: iso(createdAt), lastUsedAt: isoOrNull(lastUsedAt) };
}

const key = resource({
  path: "/v1/tenants/{tenant}/keys",
  param: "keyId",
  at: inTenant.extend({ keyId: z.string().describe("The key's id, not the key.") }),
  name: "Key",
  tag: "Keys",
  prefix: "key",
  readers: ADMIN,
  unknown: "key-not-there",
  unknownText: "There is no such key. Name it by its id (`key_…`), which the list shows.",
  shape: keyShape,
  show: toShape,
  rows: keyRows,
  find: null,
});

/** Keys: what a tenant's services and people call the API with. */
export const keyRoutes = router()
  .openapi(
    ...key.create(
      {
        description: "A key for one of the tenant's services or people. It is shown in this answer and never again.",
        takes: body(keyInput, { name: "production back end", role: "producer" }),
        answers: keyCreated,
        answered: "created; the key is shown here and never again",
        errors: [400, 401, 403, 404, 409, 422],
      },
      async (c, { name, role }) => {
        const now = Date.now();
        const id = newId("key", now);
        const key = await newKey(secretsKey(c.env));
        const fields = { name, role, hash: await hashOf(key) };
        const row = await insertKey(c.get("config"), c.get("tenant"), id, fields, now, entry(c, "key.created", id));
        if (row === null)
          throw new Problem("limit-reached", `A tenant has at most ${MAX_KEYS} keys. Delete one that is not used.`);
        return { row, name: id, answer: () => ({ ...toShape(row), key }) };
      },
    ),
  )
  .openapi(
    ...key.list({
      description: "Newest first, without the keys themselves, of which only hashes are kept.",
      errors: [401, 403, 404, 422],
    }),
  )
  .openapi(
    ...key.remove(
      {
        summary: "Revoke a key",
        description:
          "The key is named by its id (`key_…`), not by itself. Whatever calls with it is answered 401 from then on, by other locations within 5 seconds; portal links that it made end with it.",
        answered: "revoked",
        errors: [401, 403, 404],
      },
      (c, id) => deleteKey(c.get("config"), c.get("tenant"), id, Date.now(), entry(c, "key.deleted", id)),
    ),
  );
