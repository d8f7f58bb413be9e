import { describe, it, vi } from "vitest";
import { maskingOf } from "../../src/send/request/mask";
import { type Outgoing, type Sent, send } from "../../src/send/send";

/** What is kept of a body and of all headers, in bytes. */
const [KEPT_BODY, KEPT_HEADERS] = [16_384, 8_192];
/** As many first characters of a secret as may be shown: they tell nothing. */
const UNTOLD = 3;
/** Of a length that base64 takes whole. */
const SECRET = "s3cr3t/ours+and_theirs--";

const hexOf = (text: string) => [...text].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");

const SPELLINGS: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  "in PHP's JSON": (text) => text.replaceAll("/", "\\/"),
  "in a URL": encodeURIComponent,
  "in base64": (text) => btoa(text),
  "in hex": hexOf,
};

/** How a body ends at what is kept of it. */
const ENDINGS = ["goes on", "breaks off", "hangs"] as const;

/** A response whose body is `text` up to what is kept, and then ends so. */
function responseOf(text: string, ending: (typeof ENDINGS)[number]): Response {
  const bytes = new TextEncoder().encode(text);
  const kept = bytes.subarray(0, KEPT_BODY);
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulled++ === 0) return controller.enqueue(kept);
      if (ending === "goes on") return controller.enqueue(bytes.subarray(KEPT_BODY));
      if (ending === "breaks off") return controller.error(new Error("broken off"));
      return new Promise(() => undefined);
    },
  });
  return new Response(body);
}

/** Sends where such a response is answered. */
async function answered(response: Response): Promise<Sent> {
  const asked = vi.spyOn(globalThis, "fetch").mockResolvedValueOnce(response);
  const request: Outgoing = {
    method: "POST",
    url: "http://127.0.0.1:1/",
    headers: {},
    body: null,
    // What hangs is called off soon.
    timeout: 50,
    rules: { allowInsecure: true, ownHosts: [], resolver: null },
    masked: maskingOf([SECRET]),
  };
  try {
    return (await send(request)) as Sent;
  } finally {
    asked.mockRestore();
  }
}

describe("a secret that a receiver echoes", () => {
  const cases = Object.keys(SPELLINGS).flatMap((how) => ENDINGS.map((ending) => [how, ending] as const));

  it.for(cases)(
    "is not shown in part where the kept body ends amid it: %s, and it %s",
    async ([how, ending], { expect }) => {
      const spelled = SPELLINGS[how]?.(SECRET) ?? "";
      for (let inside = UNTOLD + 1; inside <= spelled.length; inside++) {
        const before = ".".repeat(KEPT_BODY - inside);
        const { response, error } = await answered(responseOf(`${before}${spelled} and more`, ending));
        expect([inside, error]).toEqual([inside, null]);
        const shown = response?.body.slice(before.length) ?? "";
        expect([inside, shown]).toEqual([inside, inside === spelled.length ? "***" : ""]);
        // What is before it is there.
        expect(response?.body.startsWith(before)).toBe(true);
      }
    },
  );

  it("is masked where what is kept ends just before it or after it", async ({ expect }) => {
    for (const [before, body] of [
      [KEPT_BODY, ".".repeat(KEPT_BODY)],
      [KEPT_BODY - SECRET.length - 1, `${".".repeat(KEPT_BODY - SECRET.length - 1)}***!`],
    ] as const) {
      const { response } = await answered(responseOf(`${".".repeat(before)}${SECRET}! and more`, "goes on"));
      expect(response?.body === body, String(before)).toBe(true);
    }
  });

  it("is not shown in part where the kept headers end amid it", async ({ expect }) => {
    const name = "x-echo";
    for (let inside = UNTOLD + 1; inside < SECRET.length; inside++) {
      const before = ".".repeat(KEPT_HEADERS - name.length - inside);
      const response = new Response("", { headers: { [name]: `${before}${SECRET} and more` } });
      response.headers.delete("content-type");
      const sent = await answered(response);
      expect([inside, sent.response?.headers[name]?.slice(before.length)]).toEqual([inside, ""]);
    }
  });
});
