import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import { callAs } from "../../src/api/http/inside";
import type { Env } from "../../src/contracts/env";
import { dashboard } from "../../src/dashboard/dashboard";
import { type StorageTrouble, storageTrouble } from "../../src/lib/storage-trouble";
import { type Operation, operationsOf, theDocument } from "./operations";
import { newWorld, pathIn, type World } from "./world";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What storage says when it does not do what it is asked, as D1 and as a Durable Object put it. */
const SAYINGS: [message: string, trouble: StorageTrouble | null][] = [
  ["D1_ERROR: database or disk is full: SQLITE_FULL", "full"],
  ["database or disk is full: SQLITE_FULL", "full"],
  ["D1_ERROR: Exceeded maximum DB size", "full"],
  ["Your account has exceeded D1's maximum account storage limit", "full"],
  ["D1_ERROR: disk I/O error: SQLITE_IOERR", "broken"],
  ["disk I/O error: SQLITE_IOERR_READ", "broken"],
  ["attempt to write a readonly database: SQLITE_READONLY", "broken"],
  ["unable to open database file: SQLITE_CANTOPEN", "broken"],
  ["database disk image is malformed: SQLITE_CORRUPT", "broken"],
  ["file is not a database: SQLITE_NOTADB", "broken"],
  ["D1_ERROR: D1 DB is overloaded. Requests queued for too long.", "passing"],
  ["D1_ERROR: Network connection lost.", "passing"],
  ["Network connection lost.", "passing"],
  ["D1 DB storage operation exceeded timeout which caused object to be reset.", "passing"],
  ["Durable Object storage operation exceeded timeout which caused object to be reset.", "passing"],
  ["Internal error in Durable Object storage write caused object to be reset.", "passing"],
  ["Internal error while starting up D1 DB storage caused object to be reset.", "passing"],
  ["Durable Object is overloaded. Too many requests queued.", "passing"],
  ["Cannot resolve D1 DB due to transient issue on remote node.", "passing"],
  ["database is locked: SQLITE_BUSY", "passing"],
  ["internal error; reference = 7c1f", "passing"],
  ["UNIQUE constraint failed: endpoints.uid: SQLITE_CONSTRAINT", null],
  ["no such column: nothing at offset 7: SQLITE_ERROR", null],
  ["Cannot read properties of undefined", null],
];

describe("what storage says", () => {
  it.for(SAYINGS)("%s: %s", ([message, trouble], { expect }) => {
    expect(storageTrouble(new Error(message))).toBe(trouble);
    // Drizzle wraps it in an error that quotes the statement.
    expect(storageTrouble(new Error("Failed query: select", { cause: new Error(message) }))).toBe(trouble);
  });

  it("is told by the platform's own marks, too", ({ expect }) => {
    expect(storageTrouble(Object.assign(new Error("x"), { retryable: true }))).toBe("passing");
    expect(storageTrouble(Object.assign(new Error("x"), { overloaded: true }))).toBe("passing");
  });
});

/** Bindings of which all storage, or D1 alone, or the objects alone, says that. */
function sayingSo(message: string, which: "D1" | "objects"): Env {
  const fail = () => Promise.reject(new Error(message));
  const statement = { bind: () => statement, all: fail, run: fail, first: fail, raw: fail };
  const failing = { prepare: () => statement, batch: fail, exec: fail };
  // Of an object whatever is asked fails. It is no promise itself.
  const object = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : fail) });
  const objects = { getByName: () => object, idFromName: () => "id", get: () => object };
  const replaced = which === "D1" ? { DB: failing } : { EVENT_LOG: objects, ENDPOINT: objects, ENTITY: objects };
  return { ...env, ...replaced } as unknown as Env;
}

const OPERATOR = { Authorization: `Bearer ${env.OPERATOR_KEY}`, "Content-Type": "application/json" };

async function asked(world: World, operation: Operation, bindings: Env): Promise<Response> {
  const { body, method } = operation;
  const needed = operation.parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const query = needed.map(({ name, schema }) => `${name}=${encodeURIComponent(String(schema.enum?.[0] ?? "a"))}`);
  const request = new Request(`https://posthorn.test${pathIn(world, operation)}?${query.join("&")}`, {
    method,
    headers: OPERATOR,
    ...(body === null ? {} : { body: JSON.stringify(body.example ?? {}) }),
  });
  const context = createExecutionContext();
  const response = await app.fetch(request, bindings, context);
  await waitOnExecutionContext(context);
  return response;
}

/** What deletes comes last, and what is in others before these. */
function inTheirTurn(operations: Operation[]): Operation[] {
  const turn = ({ method, path }: Operation) => (method === "DELETE" ? 1_000 - path.length : 0);
  return operations.toSorted((a, b) => turn(a) - turn(b));
}

const CODES: Record<StorageTrouble, string> = {
  full: "storage-full",
  broken: "storage-unusable",
  passing: "out-of-reach",
};

describe.for(["D1", "objects"] as const)("while %s cannot be used", (which) => {
  it.for(["database or disk is full: SQLITE_FULL", "disk I/O error: SQLITE_IOERR", "Network connection lost."])(
    "every operation that needs it says so, reads and writes alike: %s",
    async (message, { expect }) => {
      vi.spyOn(console, "error").mockReturnValue();
      const world = await newWorld();
      const bindings = sayingSo(message, which);
      const said = new Map<string, Set<string>>();
      const code = CODES[storageTrouble(new Error(message)) ?? "passing"];
      for (const operation of inTheirTurn(operationsOf(await theDocument()))) {
        const response = await asked(world, operation, bindings);
        if (response.status < 500) continue;
        expect(response.status, operation.id).toBe(503);
        expect(Number(response.headers.get("Retry-After")), operation.id).toBeGreaterThan(0);
        const problem = (await response.json()) as { code: string };
        expect([code, "endpoint-not-told", "parts-out-of-reach"], operation.id).toContain(problem.code);
        said.set(operation.method, (said.get(operation.method) ?? new Set()).add(operation.id));
      }
      // Nobody answers well without D1 but what is answered out of the isolate's own memory.
      expect(said.get("GET")?.size).toBeGreaterThanOrEqual(which === "D1" ? 20 : 6);
      expect(said.get("POST")?.size).toBeGreaterThanOrEqual(which === "D1" ? 10 : 5);
      expect(said.get("DELETE")?.size).toBeGreaterThanOrEqual(which === "D1" ? 7 : 2);
    },
  );

  it("pages say so, and when to come again", async ({ expect }) => {
    vi.spyOn(console, "error").mockReturnValue();
    const world = await newWorld();
    const pages = dashboard((principal, request, _, context) =>
      callAs(principal, request, sayingSo("database or disk is full: SQLITE_FULL", which), context),
    );
    const ask = async (path: string, bindings: Env, init: RequestInit = {}) =>
      pages.fetch(new Request(`https://posthorn.test/dashboard${path}`, init), bindings, createExecutionContext());
    const signIn = await ask("/sign-in", env as Env);
    const token = /name="_token" value="([^"]+)"/.exec(await signIn.text())?.[1] ?? "";
    const visit = signIn.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    const signedIn = await ask("/sign-in", env as Env, {
      method: "POST",
      headers: { Origin: "https://posthorn.test", Cookie: visit.join("; ") },
      body: new URLSearchParams({ _token: token, key: env.OPERATOR_KEY ?? "" }),
    });
    const cookies = [...visit, ...signedIn.headers.getSetCookie().map((cookie) => cookie.split(";")[0])].join("; ");
    const path = `/tenants/${world.tenant}/endpoints/${world.endpoint}`;
    const shown = await ask(path, env as Env, { headers: { Cookie: cookies } });
    expect(shown.status).toBe(503);
    expect(await shown.text()).toContain("Storage is full");
    const session = await ask(path, sayingSo("disk I/O error: SQLITE_IOERR", "D1"), { headers: { Cookie: cookies } });
    expect(session.status).toBe(503);
    expect(Number(session.headers.get("Retry-After"))).toBeGreaterThan(0);
  });
});
