/**
 * README.md and the guides taken at their word: every shell block of theirs is typed into a shell, in order.
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "vitest";
import { Receiver } from "../lib/receiver";
import { until } from "../lib/until";
import { Blocks, StandIns } from "./guide-blocks";
import { blockCalled, documentText, Printed } from "./printed";
import { freePort, Project } from "./project";
import { lines, Shell } from "./shell";

const SECRET = "tour-secret"; // as the tour says it
const NEXT_SECRET = "tour-secret-2";
const ROOT = join(import.meta.dirname, "../..");

/** The receiver that the tour tells the reader to start. */
const NODE = { file: "receiver.mjs", code: blockCalled(documentText("src/docs/receivers.md"), "receiver.mjs") };

test("README.md and every guide go as they say, block by block, and none is left out", async ({ expect }) => {
  const project = await Project.copy();
  const port = await freePort();
  await project.serve(port);
  const printed = await Printed.run(NODE, SECRET);
  let { port: listening } = printed;
  let tenant = "acme";
  const standIns = new StandIns(project.directory);
  const shell = new Shell(
    project.directory,
    (line) =>
      line
        .replaceAll("localhost:8787", `localhost:${port}`)
        .replaceAll("127.0.0.1:3000", `127.0.0.1:${listening}`)
        .replaceAll("tenants/acme", `tenants/${tenant}`),
    [standIns.directory, join(ROOT, "node_modules/.bin")],
  );
  const blocks = new Blocks();
  const { scripts } = JSON.parse(await readFile(join(project.directory, "package.json"), "utf8"));
  /** Runs the next block of a guide; answers what it printed, and its JSON lines. */
  const run = async (file: string) => {
    const output = await shell.run(blocks.next(file));
    return { output, answers: lines(output) };
  };
  const guide = (name: string) => run(`src/docs/${name}.md`);
  /** The block that takes the receiver out of the guide: what it would write is what runs already. */
  const extracts = async (file: string) => {
    const extract = blocks.next(file).split("\n")[0]?.replace("> /tmp/receiver.mjs", "");
    expect(await shell.run(extract)).toBe(NODE.code);
  };

  // README, for another tenant than the guides'.
  tenant = "readme";
  await run("README.md");
  expect(standIns.noted()).toEqual([
    ["npm", "start"],
    ["npm", "test"],
  ]);
  await extracts("README.md");
  const short = await run("README.md");
  expect(short.answers).toMatchObject([{ id: "readme" }, { uid: "main" }, { event: "lead.hot" }, { data: [{}] }]);
  await printed.says(new RegExp(`^${short.answers[2]?.id} .*"lead\\.hot".*Halden`, "m"));
  tenant = "acme";

  // Start.
  await guide("start");
  expect(standIns.noted()).toHaveLength(2);
  await extracts("src/docs/start.md");
  await guide("start");
  expect((await guide("start")).output).toMatch(/"id":"acme"[\s\S]*"uid":"main"[\s\S]*"secret":"tour-secret"/);
  // Beside the tour's own: one that keeps what came.
  const kept = await Receiver.listen(() => 200);
  await shell.run(
    `api "$ACME/endpoints" -d '{"uid": "kept", "url": "${kept.url}/", "events": ["*"], "secret": "${SECRET}"}'`,
  );

  const [first, second] = (await guide("start")).answers;
  expect(second).toEqual({ ...first, duplicate: true });
  const event = first as { id: string; deliveries: { id: string }[] };
  await printed.says(new RegExp(`^${event.id} .*"lead\\.hot".*Halden`, "m"));

  const read = blocks.next("src/docs/start.md");
  const log = await until(
    () => `the log does not show a success:\n${shell.output}`,
    async () => {
      const [list, one, health] = lines(await shell.run(read));
      return one?.status === "succeeded" && { list, one, health };
    },
  );
  expect(log.list).toMatchObject({ data: [{ eventId: event.id, status: "succeeded", attempts: 1 }], nextCursor: null });
  expect(log.one).toMatchObject({ attemptLog: [{ number: 1, statusCode: 204, error: null, trigger: "scheduled" }] });
  expect(log.health).toMatchObject({ state: "healthy", consecutiveFailures: 0 });

  const [off, page] = (await guide("start")).answers;
  expect(off).toMatchObject({ enabled: false, disabledReason: "manual" });
  const pageView = page as { id: string };
  const held = blocks.next("src/docs/start.md");
  await until(
    () => `nothing is held:\n${shell.output}`,
    async () => {
      const [list] = lines(await shell.run(held)) as [{ data: { status: string }[] }];
      return list.data[0]?.status === "held";
    },
  );
  expect(printed.output).not.toContain(pageView.id);

  const [on, dryRun, recovered, resent] = (await guide("start")).answers;
  expect(on).toMatchObject({ enabled: true, disabledReason: null });
  expect([dryRun, recovered]).toEqual([{ count: 1 }, { count: 1, id: expect.stringMatching(/^rcv_/) }]);
  expect(resent).toMatchObject({ eventId: event.id, attempts: 1 });
  await printed.says(new RegExp(`^${pageView.id} .*"page_view"`, "m"));
  await printed.says(new RegExp(`^${event.id} again, ignored$`, "m"));

  const [attempt] = await until(
    () => "nothing was kept",
    () => (kept.attempts.length > 0 ? kept.attempts : undefined),
  );
  const { body = "", signature = "" } = attempt ?? {};
  expect(body).toContain('"data":{"company": {"name": "Halden", "leadScore": 91}}'); // with the spaces it was typed with
  const digest = createHmac("sha256", SECRET).update(Buffer.from(body)).digest("hex");
  expect(timingSafeEqual(Buffer.from(signature), Buffer.from(digest))).toBe(true);

  // Events.
  const endpoints = (answer: unknown) =>
    (answer as { deliveries: { endpoint: string }[] }).deliveries.map((it) => it.endpoint);
  const [own] = (await guide("events")).answers as { id: string }[];
  expect(own).toMatchObject({ event: "lead.hot" });
  await printed.says(/^lead-77 .*Nordwind/m);
  const [batch] = (await guide("events")).answers;
  expect(batch?.data).toMatchObject([{ event: "page_view" }, { event: "page_view" }]);
  const [signed, called] = (await guide("events")).answers as { id: string; deliveries: { id: string }[] }[];
  expect(signed).toMatchObject({ callbacksSigned: true });
  await printed.says(
    new RegExp(`^${called?.deliveries.at(-1)?.id} \\{"email":"jane@halden\\.example","score":87\\}`, "m"),
  );
  const [catalog, registered, refused] = (await guide("events")).answers;
  expect(catalog?.data).toHaveLength(6);
  expect(registered).toMatchObject({ name: "order.paid", enforce: true, sample: { total: 12.5 } });
  expect(refused).toMatchObject({ status: 422, errors: [{ path: expect.stringContaining("data") }] });
  const [sent] = (await guide("events")).answers;
  expect(sent).toMatchObject({
    delivery: { test: true, status: "succeeded" },
    attempt: {
      trigger: "test",
      statusCode: 204,
      request: { body: expect.stringContaining('"data":{"total": 12.50}') },
    },
  });
  await printed.says(/"order\.paid"/);
  const [shown, explained] = (await guide("events")).answers;
  expect(shown).toMatchObject({ id: own?.id, data: { company: { name: "Nordwind" } } });
  expect(explained).toMatchObject({ data: [{ outcome: "delivered" }, { outcome: "delivered" }] });
  expect((await guide("events")).answers).toMatchObject([{ id: own?.id }]);
  await printed.says(/^lead-77 again, ignored$/m);
  expect((await guide("events")).answers).toEqual([]);
  expect(await shell.run('api "$ACME/events/$EVENT"')).not.toContain("Nordwind");
  const [searchable, order, found] = (await guide("events")).answers as { id: string }[];
  expect(searchable).toMatchObject({ searchable: ["order.id"] });
  expect(found).toMatchObject({ data: [{ kind: "event", id: order?.id, title: "order.paid" }], truncated: false });

  // Endpoints.
  const [crm, changed] = (await guide("endpoints")).answers;
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
  const [main] = (await guide("endpoints")).answers as { id: string }[];
  expect(main).toMatchObject({ filter: { "data.company.leadScore": { $gte: 70 } } });
  const [automated, nordic] = (await guide("endpoints")).answers;
  expect(automated).toMatchObject({ trigger: "new_lead", actions: [{ type: "webhook", endpoint: crm?.id }] });
  expect(endpoints(nordic)).toContain(crm?.id);
  expect(endpoints(nordic)).not.toContain(main?.id);

  // The secret is replaced: under the old one, then under the new one.
  const [rotated, secrets, during] = (await guide("endpoints")).answers as { id: string; secret: string }[];
  expect(rotated).toMatchObject({ secret: NEXT_SECRET });
  expect(secrets).toMatchObject({ secret: SECRET, next: NEXT_SECRET });
  await printed.says(new RegExp(`^${during?.id} .*"lead\\.hot"`, "m"));
  const restarted = await Printed.run(NODE, NEXT_SECRET);
  listening = restarted.port;
  await shell.run(`api -X PATCH "$ACME/endpoints/main" -d '{"url": "http://127.0.0.1:3000/"}'`);
  const [overlapping] = lines(
    await shell.run(`api "$ACME/events" -d '{"event": "lead.hot", "data": {"company": {"leadScore": 95}}}'`),
  );
  await restarted.says(new RegExp(`^${overlapping?.id} `, "m"));
  const [promoted, after] = (await guide("endpoints")).answers as { id: string }[];
  expect(promoted).toMatchObject({ secret: NEXT_SECRET, next: null });
  await restarted.says(new RegExp(`^${after?.id} .*"lead\\.hot"`, "m"));

  // Signals: from page views to a hot lead.
  const emitted = (answer: unknown) => (answer as { events: { event: string }[] }).events.map(({ event }) => event);
  const [, sales] = (await guide("signals")).answers;
  const posted = (await guide("signals")).answers;
  expect(posted.map(emitted)).toEqual([
    ["company.identified", "page_view"],
    ["lead.score_changed", "page_view"],
    ["lead.hot", "lead.score_changed", "page_view"],
    ["page_view"],
  ]);
  const hot = (posted[2] as { events: { id: string }[] }).events[0];
  await restarted.says(new RegExp(`^${hot?.id} .*"lead\\.hot".*nordwind`, "m"));
  expect(emitted((await guide("signals")).answers.at(-1))).toEqual(["watchlist.hit", "page_view"]);
  const [tried, saved] = (await guide("signals")).answers;
  expect(tried).toMatchObject({
    data: [
      { events: [] },
      { events: [{ event: "pricing.revisited", data: { lastSeen: "2026-01-01T10:00:00.000Z" } }] },
    ],
  });
  expect(saved).toMatchObject({ id: expect.stringMatching(/^sig_/) });
  expect((await guide("signals")).answers[0]).toMatchObject({ actions: [{ limit: 3, endpoint: sales?.id }] });
  await restarted.says(/"contact_revealed".*vp@nordwind\.example/);

  // Receivers, portal, client.
  await guide("receivers");
  expect(standIns.noted()).toEqual([["cloudflared", "tunnel", "--url", `http://localhost:3000`]]);
  expect((await guide("receivers")).answers).toMatchObject([{ delivery: { test: true, status: "succeeded" } }]);
  expect((await guide("portal")).answers).toMatchObject([{ url: expect.stringContaining("/portal/open/") }]);
  expect((await guide("client")).output).toMatch(/^evt_[0-9A-Z]{26} for \d of \d endpoints$/m);

  // Deploy, operate, security, upgrade: what asks Cloudflare is noted, and names what there is.
  const wrangler = await readFile(join(project.directory, "wrangler.toml"), "utf8");
  /** The commands for wrangler that were noted: each names what wrangler.toml does. */
  const toCloudflare = () => {
    const noted = standIns.noted();
    for (const words of noted) {
      if (words[0] === "npm") expect(words[1] === "ci" || (words[2] ?? "") in scripts, words.join(" ")).toBe(true);
      if (words[2] === "queues") expect(wrangler).toContain(`queue = "${words[4]}"`);
      if (words[2] === "d1" && words[3] === "create") expect(wrangler).toContain(`database_name = "${words[4]}"`);
      if (words[2] === "secret") expect(wrangler).toContain(`#   ${words[4]} `);
    }
    return noted.map((words) => words.join(" "));
  };
  await shell.run(`HOST=http://localhost:${port}`);
  await guide("deploy");
  await guide("deploy");
  expect(toCloudflare()).toEqual(["npm run deploy", "npm run deploy -- --env staging"]);
  expect((await guide("deploy")).output).toContain("and signed");
  expect((await guide("deploy")).answers).toMatchObject([{ id: "acme" }]);

  const restored = await guide("operate");
  expect(restored.answers).toMatchObject([{ underOldKeys: 0 }]);
  const sql = standIns.noted()[0]?.at(-1) ?? "";
  expect(() => migrated().exec(sql)).not.toThrow();
  await guide("operate");
  expect(toCloudflare()).toEqual([expect.stringContaining("d1 export posthorn")]);
  await guide("security");
  expect(toCloudflare()).toHaveLength(3);
  expect((await guide("security")).output).toContain('"underOldKeys":0');
  await guide("upgrade");
  expect(toCloudflare()).toEqual(["git pull", "npm ci", "npm run deploy"]);

  expect(blocks.left()).toEqual([]);
});

/** A database as the migrations leave it. */
function migrated(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  const directory = join(ROOT, "migrations");
  for (const file of readdirSync(directory).toSorted()) {
    if (file.endsWith(".sql")) database.exec(documentText(`migrations/${file}`));
  }
  return database;
}
