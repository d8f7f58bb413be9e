import { compare, posting } from "./compare.ts";
import type { Effort } from "./effort.ts";
import { Instance } from "./instance.ts";
import type { Receiver } from "./receiver.ts";
import { tenantWith } from "./scenarios.ts";

/**
 * Accepting beside a bare Worker that parses JSON and sends a queue message. No consumer runs on either side: deployed,
 * it would be another invocation on another machine.
 */
export async function measureAccept(bundle: string, floorBundle: string, receiver: Receiver, effort: Effort) {
  const ours = await Instance.posthorn(bundle, { consumers: false });
  const floor = await Instance.floor(floorBundle, { consumers: false });
  const { tenant } = await tenantWith(ours, receiver);
  const compared = await compare(posting(ours, tenant), posting(floor, tenant), effort);
  await Promise.all([ours.stop(), floor.stop()]);
  const { rps, otherRps: floorRps, ratio, p50Ratio, p99Ratio } = compared;
  return { rps, floorRps, ratio, p50Ratio, p99Ratio };
}
