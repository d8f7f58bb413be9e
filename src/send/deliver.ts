import type { Lane } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import { SECOND } from "../lib/time";
import { attempt } from "./attempt";
import { EndpointRun, type Share } from "./endpoint-run";
import { Lanes } from "./lanes";

export type { Share } from "./endpoint-run";

/** How long an invocation takes on more, in ms: what is left then goes back to its endpoints. */
const TAKES_ON = 15 * SECOND;

/**
 * Delivers: asks each endpoint what may be sent, sends it, and tells each endpoint what came of it, as its sends complete.
 * Ends when all shares are settled. Never throws. One share per endpoint.
 *
 * `outlast` takes what goes on after that: sends whose rows own them, so that one that hangs holds up no batch. Absent:
 * nothing does.
 */
export async function deliver(
  shares: readonly Share[],
  lane: Lane,
  env: Env,
  outlast?: (rest: Promise<unknown>) => void,
): Promise<void> {
  const outlasts = outlast !== undefined && lane === "normal";
  const lanes = new Lanes();
  const until = Date.now() + TAKES_ON;
  const invocation = { env, attempt, lane, lanes, until, outlasts, goesOn: outlasts || lane === "slow" };
  const runs = shares.map((share) => new EndpointRun(invocation, share));
  for (const run of runs) lanes.add(run);
  for (const run of runs) void run.begin();
  const ended = Promise.all(runs.map((run) => run.ended));
  if (!outlasts) await ended;
  else {
    await Promise.all(runs.map((run) => run.settled));
    outlast(ended);
  }
}
