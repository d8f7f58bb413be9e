/**
 * That what somebody sent is compared with what is secret in constant time: by one function, which nothing in src does
 * without.
 */
import { describe, it } from "vitest";

const SOURCES = import.meta.glob<string>("../../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

/** Words in a name that says that it holds a secret, or what proves that somebody knows one. */
const TELLING =
  /^(?:secrets?|keys?|tokens?|signatures?|macs?|hmacs?|hash|hashes|digests?|fingerprints?|prints?|tags?|passwords?|credentials?|bearer|cookie)$/i;

/** Comparisons of which one side is called so, and why they may take what time they like; any other one fails. */
const ALLOWED: Record<string, Record<string, string>> = {
  "api/changes/idempotency.ts": {
    "found.fingerprint !== request.fingerprint": "hashes of requests, of one caller's own",
  },
  "api/problems/warnings.ts": { "key === field": "a filter's field" },
  "config/endpoints/reseal.ts": {
    "sealed === row.callbackSecret": "what is sealed, as it lies in the row and as it is written anew",
  },
  "dashboard/inspect/signature-check.ts": { "plain !== secret": "a secret with its prefix and without it" },
  "dashboard/pages/access/sign-in.tsx": {
    "session.holder.key !== link.id": "ids, of a session that is signed and of a link that was found by its hash",
  },
  "send/request/mask.ts": {
    "secret.startsWith(text.slice(at)": "what a receiver answered, which nobody is told the time of",
  },
  "send/request/prepare.ts": { "secrets.includes(value": "headers that we made" },
  "contracts/shards.ts": { "id === key": "an event's id and its idempotency key, of one request" },
  "event-log/journal/journal.ts": {
    "payloadId === key?.key": "an event's id and its idempotency key, of one request",
    "first.fingerprint !== idempotency.fingerprint": "hashes of events, of one tenant's own",
  },
  "event-log/journal/repeats.ts": {
    "before.fingerprint !== idempotency?.fingerprint": "hashes of events, of one tenant's own",
  },
  "event-log/journal/keys.ts": {
    "row.named === key": "an idempotency key of one tenant's own",
    'key.startsWith(idName("")': "an idempotency key of one tenant's own",
  },
  "lib/crypto.ts": { "id === keyId": "the id of a key, which everything that it sealed carries" },
  "lib/filter/filter-errors.ts": { "key === TIME": "a filter's field" },
  "signals/object.ts": {
    "entity.startsWith(KEYS": "the name of an object",
    "entity.startsWith(ONE_KEY": "the name of an object",
    "this.#emitter.entity.startsWith(ONE_KEY": "the name of an object",
  },
  "signals/keys.ts": { "use.said === fingerprint": "hashes of observations, of one tenant's own" },
  "signals/recollection.ts": {
    "waiting.said === fingerprint": "hashes of observations, of one tenant's own",
    "use.said !== fingerprint": "hashes of observations, of one tenant's own",
  },
};

interface Found {
  file: string;
  text: string;
}

/** The code without comments, and with nothing between its quotes. */
function bare(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:])\/\/.*$/gm, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

const OPERAND = String.raw`(?:await\s+)?[\w$#]+(?:\??\.[\w$#]+|!|\[[^\]\n]*\]|\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\))*`;
const COMPARED = new RegExp(String.raw`(${OPERAND})\)*\s*(?:===|!==|==(?!=)|!=(?!=))\s*\(*(${OPERAND}|"")`, "g");
/** What looks through a list or a text until it differs. */
const SOUGHT = new RegExp(
  String.raw`(${OPERAND})\??\.(?:includes|indexOf|lastIndexOf|startsWith|endsWith|localeCompare)\((${OPERAND}|"")`,
  "g",
);

/** The name of what an operand yields: of `await keyOf(a)` it is `keyOf`, of `holder.print` it is `print`. */
function nameOf(operand: string): string {
  let text = operand.replace(/^await\s+/, "");
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/\([^()]*\)/g, "").replace(/\[[^\]]*\]/g, "");
  }
  return text.replaceAll("!", "").split(".").at(-1) ?? "";
}

function isTelling(operand: string): boolean {
  const words = nameOf(operand)
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .split(/[\s_$#]+/);
  return words.some((word) => TELLING.test(word));
}

/** Of these nothing is learned: whether there is one, and whether it is a known word. */
const PLAIN = /^(?:""|null|undefined|true|false|-?\d[\d_]*)$/;

function comparisonsIn(file: string, source: string): Found[] {
  return [COMPARED, SOUGHT].flatMap((pattern) =>
    [...bare(source).matchAll(pattern)].flatMap(([text, left = "", right = ""]) => {
      const sides = [left, right];
      if (/^typeof\b/.test(left) || sides.some((side) => PLAIN.test(side)) || !sides.some(isTelling)) return [];
      return [{ file, text: text.replace(/\s+/g, " ") }];
    }),
  );
}

const found = Object.entries(SOURCES).flatMap(([path, source]) =>
  comparisonsIn(path.replace(/^.*\/src\//, ""), source),
);

describe("a comparison with what is secret", () => {
  it("is seen, however it is written", ({ expect }) => {
    const written = {
      "if (key === env.OPERATOR_KEY) {}": 1,
      "return known.some((tag) =>\n  tag === given);": 1,
      "if ((await mac(a)) !== signature) {}": 1,
      "if (signature !== (await mac(a))) {}": 1,
      "if (signature !== await mac(secretsKey, purpose, payload)) return null;": 1,
      "const nth = prints.indexOf(holder.print);": 1,
      "if (secrets.includes(given)) {}": 1,
      "if (a.session!.token == b) {}": 1,
      "if (await hashOf(key) === row.hash) {}": 1,
      'if (key === "" || key === undefined) {}': 0,
      'if (scheme.key === "whsec" && secret.startsWith("whsec_")) {}': 0,
      "if (sameText(tag, given)) {}": 0,
      "// key === other\n/* key === other */": 0,
    };
    for (const [code, count] of Object.entries(written)) {
      expect([code, comparisonsIn("x.ts", code).length]).toEqual([code, count]);
    }
  });

  it("goes through the one function that takes the same time, but for those that are named here", ({ expect }) => {
    expect(Object.keys(SOURCES).length).toBeGreaterThan(200);
    const allowed = Object.entries(ALLOWED).flatMap(([file, texts]) =>
      Object.keys(texts).map((text) => `${file}: ${text}`),
    );
    expect(found.map(({ file, text }) => `${file}: ${text}`).toSorted()).toEqual(allowed.toSorted());
  });

  it("has one place where the runtime's own comparison is called", ({ expect }) => {
    const calling = Object.entries(SOURCES).filter(([, source]) => /\.timingSafeEqual\(/.test(bare(source)));
    expect(calling.map(([path]) => path.replace(/^.*\/src\//, ""))).toEqual(["lib/crypto.ts"]);
  });
});
