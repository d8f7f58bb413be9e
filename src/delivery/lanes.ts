/** The most requests that one invocation has under way: Workers open six connections at once. */
const LANES = 6;
/** The most of them for one endpoint while others wait. */
const LANES_OF_ONE = 3;

/** Which queue a batch came by: that for endpoints in good health, or that for those that have begun to fail. */
export type Lane = "normal" | "slow";

/** Work for one endpoint. */
export interface Task {
  endpoint: string;
  /** Answers the work that follows from it. */
  run(): Promise<readonly Task[]>;
}

/**
 * Runs the tasks and what follows from them, six at a time and three for one endpoint while others wait, so that a
 * receiver that hangs takes half the lanes at most. The endpoint with the fewest under way comes first, then the oldest
 * task: of many receivers that hang each is found out by its first attempt. Tasks must not throw.
 */
export async function runInLanes(tasks: readonly Task[]): Promise<void> {
  const waiting = [...tasks];
  const running = new Map<string, number>();

  const next = (): Task | undefined => {
    const busy = waiting.map(({ endpoint }) => running.get(endpoint) ?? 0);
    const least = Math.min(...busy);
    return waiting.splice(least < LANES_OF_ONE ? busy.indexOf(least) : 0, 1)[0];
  };
  await new Promise<void>((resolve) => {
    let taken = 0;
    const fill = () => {
      for (
        let task = taken < LANES ? next() : undefined;
        task !== undefined;
        task = taken < LANES ? next() : undefined
      ) {
        taken++;
        void run(task);
      }
      if (taken === 0) resolve();
    };
    const run = async ({ endpoint, run: work }: Task) => {
      running.set(endpoint, (running.get(endpoint) ?? 0) + 1);
      waiting.push(...(await work()));
      running.set(endpoint, (running.get(endpoint) ?? 1) - 1);
      taken--;
      fill();
    };
    fill();
  });
}
