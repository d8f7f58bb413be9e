import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { ChangedMeanwhile, repeated } from "../../src/config/version";
import { type Answered, call, fresh, newEndpoint, newTenant } from "../lib/api";

/** How often two changes are sent at once, left to chance. */
const ROUNDS = 8;
const WHSEC = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/** One change of a world, and how it was answered. */
type Change = () => Promise<Answered>;

interface Case {
  name: string;
  /** What D1 is asked for before either decides. */
  read: RegExp;
  /** Which of the two ask for it. */
  readers?: readonly number[];
  /** A world, two changes of it, and what must hold of their statuses and of what is there then. */
  world: () => Promise<{ changes: [Change, Change]; lost: (answers: Answered[]) => Promise<string | null> }>;
}

const ENDPOINT = /^select .* from "endpoints" where/;

/** The path of a new endpoint, and its secret. */
async function endpointPath(fields: object = {}): Promise<{ path: string; secret: string }> {
  const tenant = await newTenant();
  const { id, secret } = await newEndpoint(tenant, "https://hooks.example.com/", fields);
  return { path: `/v1/tenants/${tenant}/endpoints/${id}`, secret };
}

/** Two PATCHes of what `create` makes at the path; both fields must be there in the end. */
function bothKept(name: string, read: RegExp, create: () => Promise<string>, fields: [object, object]): Case {
  return {
    name,
    read,
    async world() {
      const path = await create();
      const [one, other] = fields;
      return {
        changes: [() => call("PATCH", path, one), () => call("PATCH", path, other)],
        async lost(answers) {
          const { body } = await call("GET", path);
          const kept = Object.entries({ ...one, ...other }).every(
            ([field, value]) => JSON.stringify(body[field]) === JSON.stringify(value),
          );
          return kept && answers.every(({ status }) => status === 200) ? null : JSON.stringify(body);
        },
      };
    },
  };
}

/** Two changes that do not go together: one of them is refused. */
function oneTaken(
  name: string,
  read: RegExp,
  world: () => Promise<[Change, Change]>,
  refused: readonly number[] = [422],
  readers: readonly number[] = [0, 1],
): Case {
  return {
    name,
    read,
    readers,
    async world() {
      return {
        changes: await world(),
        async lost(answers) {
          const taken = answers.filter(({ status }) => status < 300);
          const others = answers.filter(({ status }) => refused.includes(status));
          return taken.length === 1 && others.length === 1 ? null : answers.map(({ text }) => text).join();
        },
      };
    },
  };
}

const created = async (what: string, body: object): Promise<string> => {
  const path = `/v1/tenants/${await newTenant()}/${what}`;
  const answer = await call("POST", path, body);
  return `${path}/${answer.body.id ?? answer.body.name}`;
};
const segment = (path: string) => call("POST", `${path}/segments`, { name: "S", filter: { "data.a": 1 } });
const persona = { filter: { title: "CEO" } };
const FIELDS: [object, object] = [{ name: "One" }, { description: "Other" }];

const CASES: Case[] = [
  {
    name: "two rotations",
    read: ENDPOINT,
    async world() {
      const { path, secret } = await endpointPath();
      const rotate = () => call("POST", `${path}/secret/rotate`, {});
      return {
        changes: [rotate, rotate],
        async lost(answers) {
          const { body } = await call("GET", `${path}/secret`);
          const last = answers.some((answer) => answer.body.secret === body.next);
          const all = body.secret === secret && last && body.between?.length === 1;
          return all && answers.every(({ status }) => status === 200) ? null : JSON.stringify(body);
        },
      };
    },
  },
  {
    name: "a promotion beside a rotation",
    read: ENDPOINT,
    async world() {
      const { path } = await endpointPath();
      const first = await call("POST", `${path}/secret/rotate`, {});
      return {
        changes: [() => call("POST", `${path}/secret/promote`), () => call("POST", `${path}/secret/rotate`, {})],
        async lost([promoted, rotated]) {
          const { body } = await call("GET", `${path}/secret`);
          const second = rotated?.body.secret;
          // Whichever came first: the promotion ended the old one, and the rotation's is there.
          const after = promoted?.body.secret === second ? [second, null] : [first.body.secret, second];
          const holds = body.secret === after[0] && body.next === after[1] && !body.between;
          return holds && promoted?.status === 200 && rotated?.status === 200 ? null : JSON.stringify(body);
        },
      };
    },
  },
  oneTaken("scheme=standard beside a rotation to a plain secret", ENDPOINT, async () => {
    const { path } = await endpointPath();
    await call("POST", `${path}/secret/rotate`, { secret: WHSEC, overlap: 0 });
    return [
      () => call("PATCH", path, { signature: { scheme: "standard" } }),
      () => call("POST", `${path}/secret/rotate`, { secret: "a plain secret" }),
    ];
  }),
  oneTaken("a signature's header beside the endpoint's own header of that name", ENDPOINT, async () => {
    const { path } = await endpointPath();
    return [
      () => call("PATCH", path, { signature: { scheme: "hex", header: "X-Mine" } }),
      () => call("PATCH", path, { headers: { "x-mine": "1" } }),
    ];
  }),
  bothKept("two fields of an endpoint", ENDPOINT, async () => (await endpointPath()).path, FIELDS),
  bothKept(
    "two fields of a segment",
    /^select .* from "segments" where/,
    () => created("segments", { name: "S", filter: { "data.a": 1 } }),
    [{ name: "T" }, { filter: { "data.b": 2 } }],
  ),
  oneTaken(
    "a segment made one of contacts beside an automation that uses it for events",
    /from "segments" where/,
    async () => {
      const base = `/v1/tenants/${await newTenant()}`;
      const { body } = await segment(base);
      const { id } = await newEndpoint(base.slice("/v1/tenants/".length), "https://hooks.example.com/");
      const actions = [{ type: "webhook", endpoint: id }];
      return [
        () => call("POST", `${base}/automations`, { name: "A", trigger: "lead.hot", segment: body.id, actions }),
        () => call("PATCH", `${base}/segments/${body.id}`, persona),
      ];
    },
  ),
  oneTaken(
    "a segment deleted beside an automation that uses it",
    /from "segments" where/,
    async () => {
      const base = `/v1/tenants/${await newTenant()}`;
      const { body } = await segment(base);
      const { id } = await newEndpoint(base.slice("/v1/tenants/".length), "https://hooks.example.com/");
      const actions = [{ type: "webhook", endpoint: id }];
      return [
        () => call("POST", `${base}/automations`, { name: "A", trigger: "lead.hot", segment: body.id, actions }),
        () => call("DELETE", `${base}/segments/${body.id}`),
      ];
    },
    [409, 422],
    [0],
  ),
  oneTaken("a signal's condition beside what it attaches", /^select .* from "signals" where/, async () => {
    const path = await created("signals", {
      name: "S",
      emit: "a.b",
      entity: "id",
      when: { crosses: { path: "n", threshold: 1 } },
    });
    return [
      () => call("PATCH", path, { when: { once: true } }),
      () => call("PATCH", path, { attach: { before: "previous" } }),
    ];
  }),
  {
    name: "a list's name beside its items",
    read: /^select .* from "lists" where/,
    async world() {
      const path = await created("lists", { name: "old", items: [] });
      const renamed = path.replace(/old$/, "new");
      return {
        changes: [() => call("PATCH", path, { items: ["a"] }), () => call("PATCH", path, { name: "new" })],
        async lost([filled]) {
          const { body } = await call("GET", renamed);
          // Once it is called otherwise, there is none of the old name to fill.
          const items = filled?.status === 404 ? [] : ["a"];
          return JSON.stringify(body.items) === JSON.stringify(items) ? null : JSON.stringify(body);
        },
      };
    },
  },
  oneTaken("an event type's schema enforced beside its removal", /^select .* from "event_types" where/, async () => {
    const path = `/v1/event-types/${fresh("beside")}`;
    await call("PUT", path, { schema: { type: "object" } });
    return [() => call("PATCH", path, { enforce: true }), () => call("PATCH", path, { schema: null })];
  }),
];

/** Makes `other` happen between the first such read from now on and what its reader does then. */
function whenRead(pattern: RegExp, other: () => Promise<unknown>): { happened: () => boolean } {
  const d1 = Object.getPrototypeOf(env.DB) as D1Database;
  const { prepare } = d1;
  let happened = false;
  const after =
    <A extends unknown[], T>(read: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      const result = await read(...args);
      if (!happened) {
        happened = true;
        await other();
      }
      return result;
    };
  vi.spyOn(d1, "prepare").mockImplementation(function (this: D1Database, query: string) {
    const statement = prepare.call(this, query);
    if (happened || !pattern.test(query)) return statement;
    const bind = statement.bind.bind(statement);
    statement.bind = (...values: unknown[]) => {
      const bound = bind(...values);
      bound.raw = after(bound.raw.bind(bound)) as typeof bound.raw;
      bound.all = after(bound.all.bind(bound)) as typeof bound.all;
      bound.first = after(bound.first.bind(bound)) as typeof bound.first;
      return bound;
    };
    return statement;
  });
  return { happened: () => happened };
}

afterEach(() => vi.restoreAllMocks());

describe.each(CASES)("$name: nothing is lost", ({ read, readers = [0, 1], world }) => {
  it.for(readers)("when one is made after the other has read (%i)", async (which, { expect }) => {
    const { changes, lost } = await world();
    const answers: Answered[] = [];
    const between = whenRead(read, async () => {
      answers[1 - which] = await (changes[1 - which] as Change)();
    });
    answers[which] = await (changes[which] as Change)();
    vi.restoreAllMocks();
    expect(between.happened()).toBe(true);
    expect(await lost(answers)).toBeNull();
  });

  it("when both are sent at once, many times", async ({ expect }) => {
    for (let i = 0; i < ROUNDS; i++) {
      const { changes, lost } = await world();
      expect(await lost(await Promise.all(changes.map((change) => change())))).toBeNull();
    }
  });
});

/** Changes of each kind of thing, what writes them, and where in it the version stands that was read. */
const WRITES: { name: string; path: () => Promise<string>; change?: object; write: RegExp; version: RegExp }[] = [
  {
    name: "a tenant",
    path: async () => `/v1/tenants/${await newTenant()}`,
    change: { name: "New" },
    write: /^update "tenants"/,
    version: /"tenants"."updated_at" = \?/,
  },
  {
    name: "an endpoint",
    path: async () => (await endpointPath()).path,
    change: { name: "New" },
    write: /^update "endpoints"/,
    version: /"version" = \?/,
  },
  {
    name: "a segment",
    path: () => created("segments", { name: "S", filter: {} }),
    change: { name: "New" },
    write: /^update "segments"/,
    version: /"segments"."updated_at" = \?/,
  },
  {
    name: "the removal of a segment",
    path: () => created("segments", { name: "S", filter: {} }),
    write: /^delete from "segments"/,
    version: /"segments"."updated_at" = \?/,
  },
  {
    name: "an automation",
    async path() {
      const { path } = await endpointPath();
      const [base, endpoint] = path.split("/endpoints/");
      const actions = [{ type: "webhook", endpoint }];
      const { body } = await call("POST", `${base}/automations`, { name: "A", trigger: "a", actions });
      return `${base}/automations/${body.id}`;
    },
    change: { name: "New" },
    write: /^update "automations"/,
    version: /"automations"."updated_at" = \?/,
  },
  {
    name: "a signal",
    path: () => created("signals", { name: "S", emit: "a.b", entity: "id", when: { once: true } }),
    change: { name: "New" },
    write: /^update "signals"/,
    version: /"signals"."updated_at" = \?/,
  },
  {
    name: "a list",
    path: () => created("lists", { name: "old", items: [] }),
    change: { items: ["new"] },
    write: /FROM "lists" WHERE id = /,
    version: /updated_at = \?/,
  },
  {
    name: "an event type",
    async path() {
      const path = `/v1/event-types/${fresh("beside")}`;
      await call("PUT", path, {});
      return path;
    },
    change: { title: "New" },
    write: /^update "event_types"/,
    version: /"event_types"."updated_at" = \?/,
  },
];

describe("a change that others are always faster than", () => {
  it.for(WRITES)(
    "is a 409 that has changed nothing, of $name",
    async ({ path: make, change, write, version }, { expect }) => {
      const path = await make();
      const before = await call("GET", path);
      const d1 = Object.getPrototypeOf(env.DB) as D1Database;
      const { prepare } = d1;
      let written = 0;
      vi.spyOn(d1, "prepare").mockImplementation(function (this: D1Database, query: string) {
        if (!write.test(query)) return prepare.call(this, query);
        written++;
        // It finds another version than was read.
        return prepare.call(this, query.replace(version, "$& + 1"));
      });
      const answer = await call(change === undefined ? "DELETE" : "PATCH", path, change);
      vi.restoreAllMocks();
      expect([answer.status, answer.body?.code]).toEqual([409, "changed-meanwhile"]);
      expect(written).toBeGreaterThan(1);
      expect((await call("GET", path)).body).toEqual(before.body);
    },
  );

  it("is refused with a 409 after some tries, and has changed nothing", async ({ expect }) => {
    const { path } = await endpointPath({ name: "Old" });
    const id = path.split("/").at(-1);
    const d1 = Object.getPrototypeOf(env.DB) as D1Database;
    const { prepare } = d1;
    let reads = 0;
    vi.spyOn(d1, "prepare").mockImplementation(function (this: D1Database, query: string) {
      if (ENDPOINT.test(query)) reads++;
      // Whoever writes finds another version than was read.
      return prepare.call(this, /^update "endpoints"/.test(query) ? query.replace(/"version" = \?/, "$& + 1") : query);
    });
    const answer = await call("PATCH", path, { name: "New" });
    vi.restoreAllMocks();
    expect([answer.status, answer.body.code]).toEqual([409, "changed-meanwhile"]);
    expect(reads).toBeGreaterThan(2);
    expect(reads).toBeLessThan(30);
    expect((await call("GET", path)).body.name).toBe("Old");
    const { body } = await call("GET", "/v1/audit?limit=250");
    expect(
      body.data.filter((row: { target: string }) => row.target === id).map((row: { action: string }) => row.action),
    ).toEqual(["endpoint.created"]);
  });

  it("is refused with a 412 as soon as it is not what If-Match names, and not tried again", async ({ expect }) => {
    const { path } = await endpointPath({ name: "Old" });
    const tag = (await call("GET", path)).headers.get("ETag") ?? "";
    const between = whenRead(ENDPOINT, () => call("PATCH", path, { description: "Theirs" }));
    const answer = await call("PATCH", path, { name: "New" }, { "If-Match": tag });
    vi.restoreAllMocks();
    expect(between.happened()).toBe(true);
    expect([answer.status, answer.body.code]).toEqual([412, "precondition-failed"]);
    const { headers, body } = await call("GET", path);
    expect([body.name, body.description]).toEqual(["Old", "Theirs"]);
    expect(answer.headers.get("ETag")).toBe(headers.get("ETag"));
  });

  it("is not repeated for any other reason", async ({ expect }) => {
    let tries = 0;
    const failing = repeated(async () => {
      tries++;
      throw tries === 1 ? new ChangedMeanwhile() : new Error("out of reach");
    });
    await expect(failing).rejects.toThrow("out of reach");
    expect(tries).toBe(2);
  });
});
