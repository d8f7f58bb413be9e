import { env, exports } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { invalidateKeys } from "../../src/config/access/keys";
import { MAX_FORM } from "../../src/dashboard/guard";
import { utf8 } from "../../src/lib/crypto";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { inPortal, portalLink, Visitor, withKey } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";
const ORIGIN = "https://posthorn.test";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(KEY);
  return visitor;
}

/** The value of a session's cookie. */
const cookieOf = (visitor: Visitor, base: string) => /=([^;]+)/.exec(visitor.session(base))?.[1] ?? "";

/** A form of a signed-in visitor that disables an endpoint, as it can be sent in any way, and whether it did. */
async function disabling() {
  const tenant = await newTenant();
  const { id } = await newEndpoint(tenant, (await newReceiver()).url);
  const visitor = await operator();
  const page = await visitor.get("/dashboard/tenants");
  const token = /name="_token" value="([^"]+)"/.exec(page.html)?.[1] ?? "";
  const at = `/dashboard/tenants/${tenant}/endpoints/${id}`;
  const Cookie = [...visitor.cookies].map(([name, { value }]) => `${name.split(" ")[1]}=${value}`).join("; ");
  const send = async (headers: Record<string, string>, body: BodyInit = new URLSearchParams({ _token: token })) => {
    const request = new Request(`${ORIGIN}${at}/disable`, {
      method: "POST",
      headers: { Cookie, ...headers },
      body,
      redirect: "manual",
    });
    const { status } = await exports.default.fetch(request);
    const { enabled } = (await call("GET", `/v1/tenants/${tenant}/endpoints/${id}`)).body;
    if (!enabled) await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: true });
    return { status, done: !enabled };
  };
  return { token, send };
}

describe("a form", () => {
  it("is taken by what the browser says of where it is from", async ({ expect }) => {
    const { send } = await disabling();
    for (const [Origin, site, taken] of [
      // As browsers send it.
      [ORIGIN, "same-origin", true],
      ["https://evil.example", "cross-site", false],
      ["https://other.posthorn.test", "same-site", false],
      ["null", "cross-site", false],
      // Of a browser that hides the origin, Sec-Fetch-Site tells.
      [undefined, "same-origin", true],
      [undefined, "same-site", false],
      [undefined, "cross-site", false],
      [undefined, "none", false],
      [undefined, "", false],
      // No browser says both.
      [ORIGIN, "cross-site", false],
      ["https://evil.example", "same-origin", false],
      ["null", "same-origin", false],
      // Of one that knows only the origin, that tells; one that says neither is no browser.
      [ORIGIN, undefined, true],
      [undefined, undefined, false],
      // Of the same host by another way.
      ["http://posthorn.test", undefined, false],
      ["https://posthorn.test:8443", undefined, false],
      ["https://posthorn.test.evil.example", undefined, false],
    ] as const) {
      const headers = {
        ...(Origin === undefined ? {} : { Origin }),
        ...(site === undefined ? {} : { "Sec-Fetch-Site": site }),
      };
      expect([Origin, site, await send(headers)]).toEqual([Origin, site, { status: taken ? 303 : 403, done: taken }]);
    }
  });

  it("has at most 262,144 bytes, whether it says how long it is or not", async ({ expect }) => {
    const { token, send } = await disabling();
    const bytesOf = (length: number) => {
      const head = `_token=${encodeURIComponent(token)}&filler=`;
      return utf8(head + "x".repeat(length - head.length));
    };
    /** A body that comes in pieces, and without a length. */
    const streamed = (bytes: Uint8Array) => {
      const pieces = [bytes.slice(0, 100_000), bytes.slice(100_000)];
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else controller.enqueue(piece);
        },
      });
    };
    const form = { Origin: ORIGIN, "Content-Type": "application/x-www-form-urlencoded" };
    expect(MAX_FORM).toBe(262_144);
    for (const body of [(bytes: Uint8Array<ArrayBuffer>) => bytes, streamed]) {
      expect(await send(form, body(bytesOf(MAX_FORM)))).toEqual({ status: 303, done: true });
      expect(await send(form, body(bytesOf(MAX_FORM + 1)))).toEqual({ status: 413, done: false });
    }
    // What is no form has no token.
    for (const type of ["application/json", "text/plain", ""]) {
      expect(await send({ ...form, "Content-Type": type }, bytesOf(1_000))).toEqual({ status: 403, done: false });
    }
  });
});

describe("what a caller brings", () => {
  it("is compared in constant time at every door", async ({ expect }) => {
    const tenant = await newTenant();
    const { body: key } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "k", role: "viewer" });
    const link = await portalLink(tenant);
    const visitor = await operator();
    const session = cookieOf(visitor, "/dashboard");
    const other = (text: string) => text.slice(0, -1) + (text.endsWith("A") ? "B" : "A");
    const withSession = (value: string) =>
      new Visitor().get("/dashboard/tenants", { Cookie: `posthorn_session=${value}` });
    const withKey = (text: string) =>
      call("GET", `/v1/tenants/${tenant}`, undefined, { Authorization: `Bearer ${text}` });
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    onTestFinished(() => void compared.mockRestore());
    for (const [door, open, status, times] of [
      // The operator's key first, then the tag.
      ["a key's tag", () => withKey(other(key.key)), 401, 2],
      ["a link's tag", () => new Visitor().get(other(link)), 401, 1],
      ["a link's own tag", () => new Visitor().get(link), 200, 1],
      // Its signature is the platform's to verify.
      ["an operator's session: which key it was", () => withSession(session), 200, 1],
      ["a form's token", () => visitor.post("/dashboard/theme", { _token: "another" }), 403, 1],
      ["a key at the sign-in", () => new Visitor().signIn(other(KEY)), 401, 2],
    ] as const) {
      invalidateKeys();
      compared.mockClear();
      expect([door, (await open()).status, compared.mock.calls.length]).toEqual([door, status, times]);
      for (const [left, right] of compared.mock.calls as unknown as [Uint8Array, Uint8Array][]) {
        expect([door, left.byteLength]).toEqual([door, right.byteLength]);
        expect([door, left.byteLength >= 256]).toEqual([door, true]);
      }
    }
  });
});

describe("a session", () => {
  it("opens its own pages alone: a key's none of the portal, a portal's none of the dashboard", async ({ expect }) => {
    const tenant = await newTenant();
    const portal = await inPortal(tenant);
    const keys = [
      await operator(),
      (await withKey(tenant, "admin")).visitor,
      (await withKey(tenant, "viewer")).visitor,
    ];
    const seen = async (value: string, base: string) => {
      const headers = { Cookie: `posthorn_session=${value}` };
      const { status, headers: answered } = await new Visitor().get(`${base}/tenants/${tenant}`, headers);
      return [base, status, /\/sign-in/.test(answered.get("Location") ?? "")];
    };
    for (const visitor of keys) {
      const value = cookieOf(visitor, "/dashboard");
      expect(await seen(value, "/dashboard")).toEqual(["/dashboard", 200, false]);
      expect(await seen(value, "/portal")).toEqual(["/portal", 303, true]);
    }
    const value = cookieOf(portal, "/portal");
    expect(await seen(value, "/portal")).toEqual(["/portal", 200, false]);
    expect(await seen(value, "/dashboard")).toEqual(["/dashboard", 303, true]);
  });

  it("is verified by the platform, which takes as long for any signature", async ({ expect }) => {
    const value = decodeURIComponent(cookieOf(await operator(), "/dashboard"));
    const verified = vi.spyOn(crypto.subtle, "verify");
    onTestFinished(() => void verified.mockRestore());
    // One in each place of the signature, which has 44 with the "=" at its end; the last but one holds two bits.
    for (let i = value.length - 44; i < value.length - 2; i++) {
      const other = value.slice(0, i) + (value[i] === "A" ? "B" : "A") + value.slice(i + 1);
      const headers = { Cookie: `posthorn_session=${encodeURIComponent(other)}` };
      expect([i, (await new Visitor().get("/dashboard/tenants", headers)).status]).toEqual([i, 303]);
    }
    expect(verified).toHaveBeenCalledTimes(42);
  });

  it("is let in by its whole text alone: not with a NUL behind it, nor behind a key or a token", async ({ expect }) => {
    const visitor = await operator();
    const value = cookieOf(visitor, "/dashboard");
    const status = async (cookie: string) =>
      (await new Visitor().get("/dashboard/tenants", { Cookie: `posthorn_session=${cookie}` })).status;
    expect(await status(value)).toBe(200);
    for (const other of [`${value}%00`, value.replace(".", "%00."), `%00${value}`]) {
      expect([other, await status(other)]).toEqual([other, 303]);
    }
    const signIn = async (key: string) => (await new Visitor().signIn(key)).status;
    expect(await signIn(KEY)).toBe(303);
    for (const key of [`${KEY}\0`, `\0${KEY}`, KEY.slice(0, -1)]) expect([key, await signIn(key)]).toEqual([key, 401]);
    const { token, send } = await disabling();
    for (const other of [`${token}\0`, `\0${token}`]) {
      expect(await send({ Origin: ORIGIN }, new URLSearchParams({ _token: other }))).toEqual({
        status: 403,
        done: false,
      });
    }
    const link = await portalLink(await newTenant());
    expect((await new Visitor().get(`${link}%00`)).status).toBe(401);
    expect((await new Visitor().get(link)).status).toBe(200);
  });
});
