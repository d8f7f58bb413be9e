import { afterEach, beforeEach, describe, it, vi } from "vitest";
import type { Env } from "../../src/contracts/env";
import { FRESH, LEASE } from "../../src/endpoint/policy/admission";
import { SECOND } from "../../src/lib/time";
import { attempt, type Granted, type Text } from "../../src/send/attempt";
import { SETTINGS } from "../endpoint/ledgers";
import { references, T0 } from "./rooms";

const TEXT: Text = { type: "e", timestamp: T0, payloadId: "evt_x", data: "{}" };
const SETTINGS_OF_LOOPBACK = { ...SETTINGS, url: "http://127.0.0.1:9/", signature: { scheme: "none", header: null } };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(T0);
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/**
 * Attempts a delivery that was granted at T0. `waits`: how long it waits for a lane, and `reads` for its text, in ms.
 * `stands`: what its endpoint answers each time it is asked, and after how long (ms).
 */
async function attempted({
  waits = 0,
  reads = 0,
  stands = [],
}: {
  waits?: number;
  reads?: number;
  stands?: [answer: boolean, ms: number][];
}) {
  vi.setSystemTime(T0 + waits);
  const left = [...stands];
  const asked: number[] = [];
  const room = {
    stands: async () => {
      asked.push(Date.now() - T0);
      const [answer, ms] = left.shift() ?? [false, 0];
      vi.setSystemTime(Date.now() + ms);
      return answer;
    },
  };
  const env = {
    ENDPOINT: { getByName: () => room },
    SECRETS_KEY: "k",
    ALLOW_INSECURE_ENDPOINTS: "true",
  } as unknown as Env;
  const [delivery] = references(1);
  const grant = {
    id: delivery?.id ?? "",
    attemptId: "att_01KCHCW4RJ0000000000000000",
    number: 1,
    trigger: "scheduled",
    leasedUntil: T0 + LEASE,
    format: null,
  };
  const textOf = async () => {
    vi.setSystemTime(Date.now() + reads);
    return TEXT;
  };
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("ok"));
  const granted = { delivery, grant, settings: SETTINGS_OF_LOOPBACK } as Granted;
  const outcome = await attempt(env, granted, textOf, { begun: () => undefined, ended: () => undefined });
  const requests = fetched.mock.calls.length;
  fetched.mockRestore();
  return { kind: outcome?.kind, requests, asked };
}

const ATTEMPTED = { kind: "attempted", requests: 1 };
const UNSENT = { kind: "unsent", requests: 0 };

describe("a request", () => {
  it("of a fresh grant begins without a question", async ({ expect }) => {
    expect(await attempted({ waits: FRESH - 2, reads: 1 })).toEqual({ ...ATTEMPTED, asked: [] });
  });

  it("that has waited begins if its endpoint says so, and is asked about once", async ({ expect }) => {
    expect(await attempted({ waits: FRESH, reads: 1, stands: [[true, 1]] })).toEqual({ ...ATTEMPTED, asked: [FRESH] });
    expect(await attempted({ waits: FRESH, stands: [[false, 1]] })).toEqual({ ...UNSENT, asked: [FRESH] });
  });

  it("whose text took long to read is asked about before it begins, though its grant was fresh", async ({ expect }) => {
    const reads = 2 * FRESH;
    expect(await attempted({ reads, stands: [[false, 1]] })).toEqual({ ...UNSENT, asked: [reads] });
    expect(await attempted({ reads, stands: [[true, 1]] })).toEqual({ ...ATTEMPTED, asked: [reads] });
    const twice = [
      [true, 1],
      [false, 1],
    ] as [boolean, number][];
    expect(await attempted({ waits: FRESH, reads, stands: twice })).toEqual({
      ...UNSENT,
      asked: [FRESH, FRESH + reads + 1],
    });
  });

  it("does not begin on an answer that took as long as an answer is gone by", async ({ expect }) => {
    expect(await attempted({ waits: FRESH, stands: [[true, FRESH]] })).toEqual({ ...UNSENT, asked: [FRESH] });
  });

  it("does not begin when its lease could end before it does, however that came", async ({ expect }) => {
    const latest = LEASE - SETTINGS.timeout * SECOND - 5 * SECOND;
    expect(await attempted({ waits: latest + 1 })).toEqual({ ...UNSENT, asked: [] });
    expect(await attempted({ reads: latest + 1 })).toEqual({ ...UNSENT, asked: [] });
    expect(await attempted({ waits: latest, stands: [[true, 0]] })).toEqual({ ...ATTEMPTED, asked: [latest] });
  });
});
