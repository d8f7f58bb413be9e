/**
 * The checks of a signature that receivers are told to make, taken at their word, and how long README.md may be.
 * @module
 */

import { execFileSync } from "node:child_process";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { test } from "vitest";
import { sign } from "../lib/receiver";
import { blockCalled, documentText, needsPython } from "./printed";

const README = documentText("README.md");
const RECEIVERS = documentText("src/docs/receivers.md");
const CONFIGURATION = documentText("src/docs/configuration.md");
const EXAMPLE = documentText(".dev.vars.example");

/** A signed delivery that nothing sent: what src/send/ would send for such an event. */
function delivery(id: string, secret: string) {
  const envelope = { id, event: "lead.hot", timestamp: "2026-03-02T08:12:40.000Z", data: { name: "Grüne Ähre", n: 1 } };
  const body = JSON.stringify(envelope);
  return { body, signature: sign(secret, body) };
}

test("README.md is read in five minutes", ({ expect }) => {
  expect(README.split("\n").length).toBeLessThan(200);
});

/** The languages in which checks are printed. */
const LANGUAGES = ["Node", "Python"] as const;

test.for(LANGUAGES)(
  "the check that ClearView's page tells receivers in %s to make accepts a signature and refuses another",
  (language, context) => {
    const { expect } = context;
    if (language === "Python") needsPython(context);
    const accepts = language === "Node" ? acceptedInNode : acceptedInPython;
    const secret = randomBytes(32).toString("hex"); // as one that Posthorn generates
    const { body, signature } = delivery("evt_1", secret);
    expect(accepts(body, signature, secret)).toBe(true);
    expect(accepts(`${body} `, signature, secret)).toBe(false);
  },
);

test.for(LANGUAGES)(
  "so does the check that the guide of receivers prints in %s, which no signature makes fail",
  async (language, context) => {
    const { expect } = context;
    if (language === "Python") needsPython(context);
    const accepts = language === "Node" ? await printedInNode() : printedInPython;
    const secret = "a secret with ümläuts";
    const { body, signature } = delivery("evt_1", secret);
    expect(accepts(body, signature, secret)).toBe(true);
    for (const wrong of [`${signature}0`, signature.toUpperCase(), "", "ä", undefined, "0".repeat(64)]) {
      expect(accepts(body, wrong, secret)).toBe(false);
    }
    expect(accepts(`${body} `, signature, secret)).toBe(false);
  },
);

type Check = (body: string, signature: string | undefined, secret: string) => boolean;

/** The check that the guide prints. */
async function printedInNode(): Promise<Check> {
  const code = blockCalled(RECEIVERS, "verify.mjs");
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).isGenuine;
}

function printedInPython(...[body, signature, secret]: Parameters<Check>): boolean {
  const given = JSON.stringify([body, signature ?? null, secret]);
  const ask = "import json, sys\nbody, *rest = json.loads(sys.argv[1])\nprint(is_genuine(body.encode(), *rest))";
  return (
    execFileSync("python3", ["-c", `${blockCalled(RECEIVERS, "verify.py")}\n${ask}`, given]).toString() === "True\n"
  );
}

test("the button asks for the secrets that the Worker needs, has no value for them, and lets nothing insecure in", ({
  expect,
}) => {
  const asked = EXAMPLE.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(asked.map((line) => /^(\w+)="" # /.exec(line)?.[1])).toEqual(["OPERATOR_KEY", "SECRETS_KEY"]);
  for (const name of EXAMPLE.matchAll(/^(?:# )?([A-Z_]+)=/gm)) expect(CONFIGURATION).toContain(`\`${name[1]}\``);
});

/** The two digests as text, compared in constant time: the form of the check on ClearView's page. */
function acceptedInNode(body: string, signature: string, secret: string): boolean {
  const digest = createHmac("sha256", secret).update(Buffer.from(body)).digest("hex");
  return timingSafeEqual(Buffer.from(signature), Buffer.from(digest));
}

/** The same in Python. */
function acceptedInPython(body: string, signature: string, secret: string): boolean {
  const program = [
    "import hashlib, hmac, sys",
    "digest = hmac.new(sys.argv[1].encode('utf-8'), sys.stdin.buffer.read(), hashlib.sha256).hexdigest()",
    "print(hmac.compare_digest(sys.argv[2], digest))",
  ].join("\n");
  return execFileSync("python3", ["-c", program, secret, signature], { input: body, encoding: "utf8" }) === "True\n";
}
