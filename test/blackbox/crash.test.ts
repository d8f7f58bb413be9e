import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { createClient } from "../../src/client/index";
import { type Behaviour, Receiver, sign } from "../lib/receiver";
import { until } from "../lib/until";
import { freePort, Project } from "./project";

/** Seconds after which events are handed over again: the local queue's messages die with the runtime. */
const RECONCILE_AFTER = "3";
const BURST = 20;
/** Where an event's id names its shard. */
const SHARD = "evt_".length + 10;

/** Days of this project's logs begin with so many shards. */
async function setShards({ directory }: Project, shards: number): Promise<void> {
  const file = join(directory, "src/event-log/object.ts");
  const [before, after, ...more] = (await readFile(file, "utf8")).split("static leastShards = 1;");
  if (after === undefined || more.length > 0) throw new Error("the number of shards is set elsewhere");
  await writeFile(file, `${before}static leastShards = ${shards};${after}`);
}

test.for([1, 4])(
  "after kill -9 of everything, each accepted event arrives: in flight, directly or by a queue, waiting for a retry, or just accepted, of %i shards",
  async (shards, { expect }) => {
    const behaviours: Record<string, Behaviour> = {
      "/hangs": "hang",
      "/direct": "hang",
      "/fails": 503,
      "/burst": 200,
    };
    const receiver = await Receiver.listen(({ path }) => behaviours[path] ?? 404);
    const project = await Project.copy();
    await setShards(project, shards);
    const port = await freePort();
    const before = await project.serve(port, { RECONCILE_AFTER_SECONDS: RECONCILE_AFTER });
    const posthorn = createClient({ url: `http://127.0.0.1:${port}`, key: await project.operatorKey() });

    await posthorn.tenants.put("crash", { name: "Crash" });
    const secrets = new Map<string, string>();
    for (const kind of Object.keys(behaviours)) {
      // To a receiver that is given 30 s nothing goes directly.
      const timeout = kind === "/direct" ? 20 : 30;
      const body = { url: receiver.url + kind, events: [kind.slice(1)], retry: [6, 6, 6, 6, 6], timeout };
      const { id, secret } = await posthorn.endpoints.create("crash", body);
      secrets.set(id, secret ?? "");
    }
    const post = (event: string, n: number) =>
      posthorn.events.post("crash", { event, data: { n, text: "Grüße, 世界" } });

    const accepted: Awaited<ReturnType<typeof post>>[] = [];
    for (const kind of ["hangs", "direct", "fails"]) accepted.push(await post(kind, 0), await post(kind, 1));
    const first = accepted.length;
    const deliveries = () => accepted.flatMap((event) => event.deliveries);
    await until(
      () => "the first attempts have not come",
      () => deliveries().every(({ id }) => receiver.of(id).length > 0),
    );
    for (const event of accepted.filter((candidate) => candidate.event === "fails")) {
      const { id = "", endpoint = "" } = event.deliveries[0] ?? {};
      await until(
        () => `${id} does not wait for a retry`,
        async () => (await posthorn.deliveries.get("crash", endpoint, id)).status === "retrying",
      );
    }
    accepted.push(...(await Promise.all(Array.from({ length: BURST }, (_, n) => post("burst", n)))));
    before.killAll();
    await before.isGone();

    behaviours["/hangs"] = 200;
    behaviours["/direct"] = 200;
    behaviours["/fails"] = 200;
    await project.serve(port, { RECONCILE_AFTER_SECONDS: RECONCILE_AFTER });
    const missing = () => deliveries().filter(({ id }) => !receiver.of(id).some(({ answered }) => answered === 200));
    const about = () =>
      `not delivered: ${missing()
        .map(({ id }) => JSON.stringify(receiver.of(id).at(-1) ?? id))
        .join("\n")}`;
    await until(about, () => missing().length === 0, 200_000);

    for (const event of accepted) {
      expect(event.deliveries).toHaveLength(1);
      for (const { id, endpoint } of event.deliveries) {
        const attempts = receiver.of(id);
        expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
        for (const { body, signature } of attempts) expect(signature).toBe(sign(secrets.get(endpoint) ?? "", body));
        expect(JSON.parse(attempts[0]?.body ?? "")).toMatchObject({ id: event.id, event: event.event });
      }
    }
    for (const { id } of accepted.slice(0, first).flatMap((event) => event.deliveries)) {
      expect(receiver.of(id).length).toBeGreaterThanOrEqual(2);
    }
    const logs = new Set(accepted.map(({ id }) => id[SHARD]));
    if (shards === 1) expect([...logs]).toEqual(["0"]);
    else expect(logs.size).toBeGreaterThan(1);
    const known = new Set(deliveries().map(({ id }) => id));
    expect(receiver.attempts.filter(({ id }) => !known.has(id))).toEqual([]);
  },
);
