import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "./instance.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE } from "./scenarios.ts";

/** Events that come after those that are measured: the last batch would wait for others until its time is over. */
const AFTER = 20;

/** Posts events at a pace and answers how long each took to arrive, in ms. */
export async function latenciesOf(
  instance: Instance,
  receiver: Receiver,
  { tenant, path }: { tenant: string; path: string },
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number[]> {
  const events = perSecond * seconds;
  const started = performance.now();
  const posted: Promise<unknown>[] = [];
  for (let i = 0; i < events + AFTER; i++) {
    await sleep(Math.max(started + (i * 1_000) / perSecond - performance.now(), 0));
    const timed = i < events ? { sentAt: performance.timeOrigin + performance.now() } : {};
    const event = { event: "lead.hot", data: { ...SAMPLE, ...timed } };
    posted.push(instance.api("POST", `/tenants/${tenant}/events`, event));
  }
  await Promise.all(posted);
  await receiver.until(path, events + AFTER);
  return (await receiver.take(path)).latencies;
}
