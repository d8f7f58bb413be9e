import type { Env } from "../contracts/env";
import { endpointStub } from "../contracts/find";
import { logError } from "../lib/log";
import type { Handover } from "./journal";

/** What could not be handed over: endpoints out of reach, and the ULIDs of events whose contacts were not revealed. */
export interface Left {
  unreachable: ReadonlySet<string>;
  unrevealed: ReadonlySet<string>;
}

/**
 * Hands deliveries that no endpoint has confirmed to their endpoints, which take them in `delay` ms from now, and has
 * contacts revealed: `reveal` answers whether that is done. Never throws for an endpoint.
 */
export async function handOver(
  env: Env,
  tenant: string,
  { refs, reveals }: Handover,
  delay: number,
  reveal: (ulid: string) => Promise<boolean>,
): Promise<Left> {
  const unreachable = new Set<string>();
  await Promise.all(
    [...refs].map(async ([endpoint, deliveries]) => {
      try {
        await endpointStub(env, tenant, endpoint).adopt(deliveries, delay);
      } catch (error) {
        unreachable.add(endpoint);
        logError("events.adopt.failed", error, { tenant, endpoint, deliveries: deliveries.length });
      }
    }),
  );
  const unrevealed = new Set<string>();
  for (const ulid of reveals) if (!(await reveal(ulid))) unrevealed.add(ulid);
  return { unreachable, unrevealed };
}
