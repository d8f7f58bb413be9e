import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import type { Grant } from "../../src/contracts/delivery";
import type { EndpointSettings } from "../../src/contracts/settings";
import { LEASE } from "../../src/endpoint/policy/admission";
import { Endpoint } from "../../src/index";
import { attempt, type Granted } from "../../src/send/attempt";
import { SETTINGS } from "../endpoint/ledgers";
import { newReceiver } from "../lib/api";
import { items } from "./rooms";

const TEXT = { type: "e", timestamp: 0, payloadId: "evt_x", data: "{}" };

let now: number;
beforeEach(() => {
  now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A grant whose lease ends in `left` ms, of a delivery that goes to the URL unsigned. */
function granted(url: string, left: number, change: Partial<EndpointSettings> = {}): Granted {
  const [item] = items(1);
  const { id, type } = item as { id: string; type: string };
  const grant: Grant = {
    id,
    attemptId: `att_${id}`,
    number: 1,
    trigger: "scheduled",
    leasedUntil: now + left,
    format: null,
  };
  const settings = { ...SETTINGS, url, signature: { scheme: "none" as const, header: null }, ...change };
  return { delivery: { id, type }, grant, settings };
}

/** Makes an attempt, and answers its outcome's kind with what happened in its order. */
async function made(what: Granted, stands = true): Promise<{ kind: string; steps: string[]; asked: number }> {
  const asks = vi.spyOn(Endpoint.prototype, "stands").mockResolvedValue(stands);
  const steps: string[] = [];
  const text = async () => {
    steps.push("text");
    return TEXT;
  };
  const watch = { begun: () => steps.push("begun"), ended: () => steps.push("ended") };
  const outcome = await attempt(env, what, text, watch);
  if (outcome === null) throw new Error("something of ours was out of reach");
  return { kind: outcome.kind, steps, asked: asks.mock.calls.length };
}

describe("an attempt", () => {
  it.for([
    [10, 14_999, "unsent"],
    [10, 15_000, "attempted"],
    [30, 34_999, "unsent"],
    [30, 35_000, "attempted"],
    [1, 5_999, "unsent"],
    [1, 6_000, "attempted"],
    [10, -1, "unsent"],
  ] as const)(
    "with a timeout of %i s and a lease for %i ms more is %s: another would send it beside one that outlasts it",
    async ([timeout, left, kind], { expect }) => {
      const receiver = await newReceiver();
      expect(await made(granted(receiver.url, left, { timeout }))).toMatchObject({ kind });
      expect(await receiver.seen()).toHaveLength(kind === "unsent" ? 0 : 1);
    },
  );

  it("is asked for once more whether it stands when it has waited for its lane, and not before", async ({ expect }) => {
    const receiver = await newReceiver();
    expect(await made(granted(receiver.url, LEASE), false)).toMatchObject({ kind: "attempted", asked: 0 });
    expect(await made(granted(receiver.url, LEASE - 1_999), false)).toMatchObject({ kind: "attempted", asked: 0 });
    vi.restoreAllMocks();
    expect(await made(granted(receiver.url, LEASE - 2_000), true)).toMatchObject({ kind: "attempted", asked: 1 });
    vi.restoreAllMocks();
    expect(await made(granted(receiver.url, LEASE - 2_000), false)).toEqual({ kind: "unsent", steps: [], asked: 1 });
    expect(await receiver.seen()).toHaveLength(3);
  });

  it("tells when its request begins and when it ends, so that one that hangs is noticed while it does", async ({
    expect,
  }) => {
    const receiver = await newReceiver({}, { status: 500 });
    for (const url of [receiver.url, receiver.url, "http://127.0.0.1:1/"]) {
      expect((await made(granted(url, LEASE))).steps).toEqual(["text", "begun", "ended"]);
    }
  });

  it("says that its request is under way as long as it is not answered", async ({ expect }) => {
    // It ends by the clock.
    vi.useRealTimers();
    const receiver = await newReceiver({ misbehave: "hang" });
    const steps: string[] = [];
    const watch = { begun: () => steps.push("begun"), ended: () => steps.push("ended") };
    const ended = attempt(env, granted(receiver.url, LEASE, { timeout: 1 }), async () => TEXT, watch);
    await receiver.arrived();
    expect(steps).toEqual(["begun"]);
    expect(await ended).toMatchObject({ kind: "attempted", attempt: { error: "timeout" } });
    expect(steps).toEqual(["begun", "ended"]);
  });

  it("of an event that is erased, or gone, sends nothing", async ({ expect }) => {
    const receiver = await newReceiver();
    const watch = { begun: () => undefined, ended: () => undefined };
    const erased = async () => ({ ...TEXT, erasedAt: now });
    expect(await attempt(env, granted(receiver.url, LEASE), erased, watch)).toMatchObject({ kind: "erased" });
    expect(await attempt(env, granted(receiver.url, LEASE), async () => null, watch)).toMatchObject({
      kind: "expired",
    });
    expect(await receiver.seen()).toEqual([]);
  });
});
