import { test } from "vitest";
import { createClient } from "../../src/client/index";
import { until } from "../lib/until";
import { freePort, Project } from "./project";

/** Seconds after which what was not emitted is emitted again. */
const ENVIRONMENT = { RECONCILE_AFTER_SECONDS: "3" };
const COMPANIES = 40;

test("kill -9 in the middle of observations: each rule that fires once has fired once for each company in the end", async ({
  expect,
}) => {
  const project = await Project.copy();
  const port = await freePort();
  const before = await project.serve(port, ENVIRONMENT);
  const posthorn = createClient({ url: `http://127.0.0.1:${port}`, key: await project.operatorKey() });
  await posthorn.tenants.put("crash", { name: "Crash" });
  const entity = "company.domain";
  await posthorn.signals.create("crash", { name: "Once", emit: "once", entity, when: { once: true } });
  const when = { crosses: { path: "score", threshold: 70 } };
  await posthorn.signals.create("crash", { name: "Hot", emit: "hot", entity, when });

  let answered = 0;
  const observe = async (n: number) => {
    const observation = { company: { domain: `${n}.example` }, score: 70 + n };
    await posthorn.observations.post("crash", observation, { headers: { "Idempotency-Key": `key of ${n}` } });
    answered++;
  };
  const all = () => Promise.allSettled(Array.from({ length: COMPANIES }, (_, n) => observe(n)));
  const first = all();
  await until(
    () => "nothing was answered",
    () => answered > 3,
  );
  before.killAll();
  await before.isGone();
  await first;

  await project.serve(port, ENVIRONMENT);
  const outcomes = await all();
  expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([]);
  const fired = async () => {
    const { data } = await posthorn.events.list("crash", { query: { limit: 250 } });
    const events = await Promise.all(data.map(({ id }) => posthorn.events.get("crash", id)));
    return events.map(({ event, data: said }) => `${event} ${(said as unknown as { score: number }).score}`).toSorted();
  };
  const expected = Array.from({ length: COMPANIES }, (_, n) => [`hot ${70 + n}`, `once ${70 + n}`]).flat();
  expect(await fired()).toEqual(expected.toSorted());
  // The alarms of what was left behind come and emit nothing twice.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect(await fired()).toEqual(expected.toSorted());
});
