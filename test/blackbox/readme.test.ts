/**
 * README.md taken at its word: its commands are typed into a shell, in order.
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { onTestFinished, test } from "vitest";
import { blockCalled, codeBlocks, documentText, needsPython, Printed, section } from "./printed";
import { freePort, Project, until } from "./project";
import { Receiver, sign } from "./receiver";

const README = documentText("README.md");
const EXAMPLE = documentText(".dev.vars.example");
const SECRET = "tour-secret"; // as the tour says it
const NEXT_SECRET = "tour-secret-2";

/** The receiver that the tour tells the reader to start. */
const NODE = { file: "receiver.mjs", code: blockCalled(documentText("src/receivers.md"), "receiver.mjs") };

/** A signed delivery that nothing sent: what src/delivery/ would send for such an event. */
function delivery(id: string, secret = SECRET) {
  const envelope = { id, event: "lead.hot", timestamp: "2026-03-02T08:12:40.000Z", data: { name: "Grüne Ähre", n: 1 } };
  const body = JSON.stringify(envelope);
  return { body, signature: sign(secret, body) };
}

test("the tour of README.md goes as it says, and what it delivers passes every check that receivers are told to make", async ({
  expect,
}) => {
  const project = await Project.copy();
  const port = await freePort();
  await project.serve(port);
  const printed = await Printed.run(NODE, SECRET);
  let { port: listening } = printed;
  const shell = new Shell(project.directory, (line) =>
    line.replaceAll("localhost:8787", `localhost:${port}`).replaceAll("127.0.0.1:3000", `127.0.0.1:${listening}`),
  );
  const [receiver, set, create, post, read, disable, held, recover, ...rest] = codeBlocks(
    "sh",
    section(README, "Quick tour"),
  );
  expect(rest).toEqual([]);

  const extract = receiver?.split("\n")[0]?.replace("> /tmp/receiver.mjs", "");
  expect(await shell.run(extract)).toBe(NODE.code);
  await shell.run(set);
  expect(await shell.run(create)).toMatch(/"id":"acme"[\s\S]*"uid":"main"[\s\S]*"secret":"tour-secret"/);
  // Beside the tour's own: one that keeps what came.
  const kept = await Receiver.listen(() => 200);
  await shell.run(
    `api "$ACME/endpoints" -d '{"uid": "kept", "url": "${kept.url}/", "events": ["*"], "secret": "${SECRET}"}'`,
  );

  const [first, second] = lines(await shell.run(post));
  expect(second).toEqual({ ...first, duplicate: true });
  const event = first as { id: string; deliveries: { id: string }[] };
  await printed.says(new RegExp(`^${event.id} .*"lead\\.hot".*Halden`, "m"));

  const log = await until(
    15_000,
    () => `the log does not show a success:\n${shell.output}`,
    async () => {
      const [list, one, health] = lines(await shell.run(read));
      return one?.status === "succeeded" && { list, one, health };
    },
  );
  expect(log.list).toMatchObject({ data: [{ eventId: event.id, status: "succeeded", attempts: 1 }], nextCursor: null });
  expect(log.one).toMatchObject({ attemptLog: [{ number: 1, statusCode: 204, error: null, trigger: "scheduled" }] });
  expect(log.health).toMatchObject({ state: "healthy", consecutiveFailures: 0 });

  const [off, page] = lines(await shell.run(disable));
  expect(off).toMatchObject({ enabled: false, disabledReason: "manual" });
  const pageView = page as { id: string };
  await until(
    15_000,
    () => `nothing is held:\n${shell.output}`,
    async () => {
      const [list] = lines(await shell.run(held)) as [{ data: { status: string }[] }];
      return list.data[0]?.status === "held";
    },
  );
  expect(printed.output).not.toContain(pageView.id);

  const [on, dryRun, recovered, resent] = lines(await shell.run(recover));
  expect(on).toMatchObject({ enabled: true, disabledReason: null });
  expect([dryRun, recovered]).toEqual([{ count: 1 }, { count: 1 }]);
  expect(resent).toMatchObject({ eventId: event.id, attempts: 1 });
  await printed.says(new RegExp(`^${pageView.id} .*"page_view"`, "m"));
  await printed.says(new RegExp(`^${event.id} again, ignored$`, "m"));

  const [attempt] = await until(
    15_000,
    () => "nothing was kept",
    () => (kept.attempts.length > 0 ? kept.attempts : undefined),
  );
  const { body = "", signature = "" } = attempt ?? {};
  expect(body).toContain('"data":{"company": {"name": "Halden", "leadScore": 91}}'); // with the spaces it was typed with
  expect(acceptedInNode(body, signature, SECRET)).toBe(true);

  // Profiles.
  const [own, rotate, promote, ...more] = codeBlocks("sh", section(README, "Profiles"));
  expect(more).toEqual([]);
  const [crm, changed] = lines(await shell.run(own));
  expect(crm).toMatchObject({
    format: "subjects",
    signature: { scheme: "hex", header: "X-Crm-Signature" },
    headers: { Authorization: "***" },
    retry: [10, 60],
    enabled: false,
    secret: expect.stringMatching(/^[0-9a-f]{64}$/),
    warnings: [{ path: "events", message: expect.stringContaining("page_view") }],
  });
  expect(changed).toMatchObject({ method: "PUT", format: "event", retry: [30, 120, 600, 3_600, 14_400] });

  // The secret is replaced: under the old one, then under the new one.
  const [rotated, secrets, during] = lines(await shell.run(rotate)) as { id: string; secret: string }[];
  expect(rotated).toMatchObject({ secret: NEXT_SECRET });
  expect(secrets).toMatchObject({ secret: SECRET, next: NEXT_SECRET });
  await printed.says(new RegExp(`^${during?.id} .*"lead\\.hot"`, "m"));
  const restarted = await Printed.run(NODE, NEXT_SECRET);
  listening = restarted.port;
  await shell.run(`api -X PATCH "$ACME/endpoints/main" -d '{"url": "http://127.0.0.1:3000/"}'`);
  const [overlapping] = lines(await shell.run(`api "$ACME/events" -d '{"event": "lead.hot", "data": {}}'`));
  await restarted.says(new RegExp(`^${overlapping?.id} `, "m"));
  const [promoted, after] = lines(await shell.run(promote)) as { id: string }[];
  expect(promoted).toMatchObject({ secret: NEXT_SECRET, next: null });
  await restarted.says(new RegExp(`^${after?.id} .*"lead\\.hot"`, "m"));

  // Filters, automations, callbacks, event types and tests.
  const [filter, automation, callback, types, tested, ...others] = codeBlocks(
    "sh",
    section(README, "Which events an endpoint gets"),
  );
  expect(others).toEqual([]);
  const endpoints = (answer: unknown) =>
    (answer as { deliveries: { endpoint: string }[] }).deliveries.map((it) => it.endpoint);
  const [main] = lines(await shell.run(filter)) as { id: string }[];
  expect(main).toMatchObject({ filter: { "data.company.leadScore": { $gte: 70 } } });
  const [automated, nordic] = lines(await shell.run(automation));
  expect(automated).toMatchObject({ trigger: "new_lead", actions: [{ type: "webhook", endpoint: crm?.id }] });
  expect(endpoints(nordic)).toContain(crm?.id);
  expect(endpoints(nordic)).not.toContain(main?.id);

  const [tenant, called] = lines(await shell.run(callback)) as { id: string; deliveries: { id: string }[] }[];
  expect(tenant).toMatchObject({ callbacksSigned: true });
  await restarted.says(
    new RegExp(`^${called?.deliveries.at(-1)?.id} \\{"email":"jane@halden\\.example","score":87\\}`, "m"),
  );

  const [catalog, registered, refused] = lines(await shell.run(types));
  expect(catalog?.data).toHaveLength(6);
  expect(registered).toMatchObject({ name: "order.paid", enforce: true, sample: { total: 12.5 } });
  expect(refused).toMatchObject({ status: 422, errors: [{ path: expect.stringContaining("data") }] });
  const [sent] = lines(await shell.run(tested));
  expect(sent).toMatchObject({
    delivery: { test: true, status: "succeeded" },
    attempt: {
      trigger: "test",
      statusCode: 204,
      request: { body: expect.stringContaining('"data":{"total": 12.50}') },
    },
  });
  await restarted.says(/"order\.paid"/);

  // Signals: from page views to a hot lead.
  const [rules, views, watched, trial, reveal, ...beyond] = codeBlocks("sh", section(README, "Signals"));
  expect(beyond).toEqual([]);
  const emitted = (answer: unknown) => (answer as { events: { event: string }[] }).events.map(({ event }) => event);
  const [, sales] = lines(await shell.run(rules));
  const posted = lines(await shell.run(views));
  expect(posted.map(emitted)).toEqual([
    ["company.identified", "page_view"],
    ["lead.score_changed", "page_view"],
    ["lead.hot", "lead.score_changed", "page_view"],
    ["page_view"],
  ]);
  const hot = (posted[2] as { events: { id: string }[] }).events[0];
  await restarted.says(new RegExp(`^${hot?.id} .*"lead\\.hot".*nordwind`, "m"));
  expect(emitted(lines(await shell.run(watched)).at(-1))).toEqual(["watchlist.hit", "page_view"]);
  const [tried, saved] = lines(await shell.run(trial));
  expect(tried).toMatchObject({
    data: [
      { events: [] },
      { events: [{ event: "pricing.revisited", data: { lastSeen: "2026-01-01T10:00:00.000Z" } }] },
    ],
  });
  expect(saved).toMatchObject({ id: expect.stringMatching(/^sig_/) });
  expect(lines(await shell.run(reveal))[0]).toMatchObject({ actions: [{ limit: 3, endpoint: sales?.id }] });
  await restarted.says(/"contact_revealed".*vp@nordwind\.example/);
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
  "so does the check that README.md prints in %s, which no signature makes fail",
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

/** The check that README.md prints. */
async function printedInNode(): Promise<Check> {
  const code = blockCalled(README, "verify.mjs");
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).isGenuine;
}

function printedInPython(...[body, signature, secret]: Parameters<Check>): boolean {
  const given = JSON.stringify([body, signature ?? null, secret]);
  const ask = "import json, sys\nbody, *rest = json.loads(sys.argv[1])\nprint(is_genuine(body.encode(), *rest))";
  return execFileSync("python3", ["-c", `${blockCalled(README, "verify.py")}\n${ask}`, given]).toString() === "True\n";
}

test("the button asks for the secrets that the Worker needs, has no value for them, and lets nothing insecure in", ({
  expect,
}) => {
  const asked = EXAMPLE.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(asked.map((line) => /^(\w+)="" # /.exec(line)?.[1])).toEqual(["OPERATOR_KEY", "SECRETS_KEY"]);
  for (const name of EXAMPLE.matchAll(/^(?:# )?([A-Z_]+)=/gm)) expect(README).toContain(`\`${name[1]}\``);
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

/** The JSON answers among a shell's lines. */
function lines(output: string): Record<string, unknown>[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A shell that is typed into, block by block, as the reader's terminal is. */
class Shell {
  output = "";
  #ended = false;
  #count = 0;
  readonly #child: ChildProcess;

  /** @param edit what the reader would change in a line */
  constructor(
    cwd: string,
    private readonly edit: (text: string) => string,
  ) {
    this.#child = spawn("bash", ["--norc"], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#child.on("close", () => {
      this.#ended = true;
    });
    onTestFinished(() => void this.#child.kill("SIGKILL"));
  }

  /** Types a block and answers what it printed. */
  async run(block = ""): Promise<string> {
    const from = this.output.length;
    const mark = `done ${++this.#count}: `;
    this.#child.stdin?.write(`${this.edit(block)}\necho "${mark}$?"\n`);
    const about = () => `the shell did not come to the end of\n${block}\nIt printed:\n${this.output}`;
    const printed = await until(30_000, about, () => {
      if (this.#ended) throw new Error(about());
      const text = this.output.slice(from);
      return new RegExp(`${mark}\\d+\n`).test(text) ? text : undefined;
    });
    return printed.slice(0, printed.indexOf(mark));
  }
}
