import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { Doom } from "./doom";

const fails = async (): Promise<never> => {
  throw new Error("Queues is out of reach");
};

/** A queue as an invocation has it. */
function queueOf<T extends object>(doom: Doom, queue: T): T {
  return doom.bindings({ ...env, DELIVERIES: queue as never }).DELIVERIES as unknown as T;
}

describe("an invocation that is killed", { timeout: 5_000 }, () => {
  it("ends after a call that fails, too", async ({ expect }) => {
    const doom = new Doom({ step: 0, fate: "killed after" });
    expect(await doom.run(queueOf(doom, { put: fails }).put())).toBe("killed");
    expect(doom.called).toEqual(["queue.put"]);
  });

  it("ends the log that was about to answer it, also where the log's call fails", async ({ expect }) => {
    const doom = new Doom({ step: 0, fate: "killed after" });
    await expect(doom.logStep("queue.put", fails)).rejects.toThrow("the log is dead");
    expect(doom.dead).toBe(true);
  });

  it("does not hear of it when what it had begun fails", async ({ expect }) => {
    const doom = new Doom({ step: 1, fate: "killed before" });
    const begun = Promise.withResolvers<void>();
    const queue = queueOf(doom, { first: () => begun.promise, second: async () => undefined });
    const heard = vi.fn();
    queue.first().catch(heard);
    expect(await doom.run(queue.second())).toBe("killed");
    begun.reject(new Error("late"));
    await expect(begun.promise).rejects.toThrow("late");
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(heard).not.toHaveBeenCalled();
  });
});
