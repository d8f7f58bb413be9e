import fc from "fast-check";
import { describe, it } from "vitest";
import { DELIVERY_STATUSES } from "../../src/contracts/delivery";
import {
  decide,
  isSlow,
  type Known,
  LEASE,
  nextPatience,
  type Surroundings,
} from "../../src/endpoint/policy/admission";
import { afterFailure, disablesAt, type FailureWindow, PARTS, resized } from "../../src/endpoint/policy/failure-window";
import { PACE_CLASSES } from "../../src/endpoint/policy/pace";
import { nextAttemptAt } from "../../src/endpoint/policy/retry";
import { DAY, HOUR, SECOND } from "../../src/lib/time";
import { classify } from "../../src/send/classify";
import { holds } from "../lib/property";

const WEEK = (7 * DAY) / SECOND;

describe("retry", () => {
  const schedule = [30, 120, 600, 3600, 14400];

  it("takes the delays in order, counted from the end of the failed attempt, then ends", ({ expect }) => {
    const delays = schedule.map((_, step) =>
      nextAttemptAt({ schedule, step, endedAt: 1_000, retryAfter: null, beside: null, random: 0 }),
    );
    expect(delays).toEqual(schedule.map((seconds) => 1_000 + seconds * SECOND));
    expect(nextAttemptAt({ schedule, step: 5, endedAt: 1_000, retryAfter: 60, beside: null, random: 0 })).toBeNull();
  });

  it("lengthens by chance, evenly up to a tenth, and not what the receiver asks for", ({ expect }) => {
    const at = (random: number, retryAfter: number | null = null) =>
      nextAttemptAt({ schedule, step: 1, endedAt: 0, retryAfter, beside: null, random });
    expect([0, 0.25, 0.5, 1].map((random) => at(random))).toEqual([120_000, 123_000, 126_000, 132_000]);
    expect(at(1, 200)).toBe(200_000);
  });

  it("goes with another that is due within that tenth, and alone otherwise", ({ expect }) => {
    const at = (beside: number, retryAfter: number | null = null) =>
      nextAttemptAt({ schedule, step: 1, endedAt: 0, retryAfter, beside, random: 0.5 });
    expect([119_999, 120_000, 131_000, 132_000, 132_001].map((beside) => at(beside))).toEqual([
      126_000, 120_000, 131_000, 132_000, 126_000,
    ]);
    expect(at(131_000, 200)).toBe(200_000);
  });

  it("only ever lengthens: by at most 10 %, or to what the receiver asks, up to 12 h", ({ expect }) => {
    holds(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 43_200 }), { maxLength: 20 }),
        fc.nat(25),
        fc.option(fc.nat(10_000_000)),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(2 ** 40),
        fc.option(fc.nat(2 ** 20)),
        (list, step, retryAfter, random, endedAt, later) => {
          const beside = later === null ? null : endedAt + later;
          const at = nextAttemptAt({ schedule: list, step, endedAt, retryAfter, beside, random });
          const delay = list[step];
          if (delay === undefined) {
            expect(at).toBeNull();
            return;
          }
          const asked = Math.min((retryAfter ?? 0) * SECOND, 12 * HOUR);
          expect(at).toBeGreaterThanOrEqual(endedAt + Math.max(delay * SECOND, asked));
          expect(at).toBeLessThanOrEqual(endedAt + Math.max(delay * SECOND * 1.1 + 1, asked));
        },
      ),
      500,
    );
  });
});

describe("the failure window", () => {
  const failAt = (times: number[], length = WEEK) => {
    let window: FailureWindow | null = null;
    const disabledAt: number[] = [];
    for (const at of times) {
      const next = afterFailure(window, at, length);
      window = next.window;
      if (next.disable) disabledAt.push(at);
    }
    return { window, disabledAt };
  };

  it("disables at the failing attempt that completes seven days, with two parts marked before it", ({ expect }) => {
    expect(failAt([0, 2 * DAY, 7 * DAY - 1]).disabledAt).toEqual([]);
    expect(failAt([0, 2 * DAY, 7 * DAY]).disabledAt).toEqual([7 * DAY]);
  });

  it("does not disable for two isolated failures a week apart, but starts anew", ({ expect }) => {
    const { window, disabledAt } = failAt([0, 7 * DAY]);
    expect(disabledAt).toEqual([]);
    expect(window).toMatchObject({ openedAt: 7 * DAY, failingSince: 0 });
    expect(failAt([0, 1, 2, 3, 7 * DAY]).disabledAt).toEqual([]); // one part only
  });

  it("never disables when the length is 0", ({ expect }) => {
    const { window, disabledAt } = failAt([0, DAY, 100 * DAY, 1000 * DAY], 0);
    expect(disabledAt).toEqual([]);
    expect(disablesAt(window)).toBeNull();
  });

  it("agrees with a plain account of the rule, over any history", ({ expect }) => {
    const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 * DAY }), fc.boolean()), { maxLength: 60 });
    holds(
      fc.property(history, fc.constantFrom(7, 3600, WEEK), (steps, length) => {
        let window: FailureWindow | null = null;
        let failures: number[] = []; // since the window began
        let at = 0;
        for (const [gap, success] of steps) {
          at += Math.floor((gap * length) / WEEK);
          if (success) {
            window = null;
            failures = [];
            continue;
          }
          const next = afterFailure(window, at, length);
          window = next.window;
          const begin = failures[0] ?? at;
          const parts = new Set(failures.map((t) => Math.floor(((t - begin) * PARTS) / (length * SECOND))));
          const ended = at >= begin + length * SECOND;
          expect(next.disable).toBe(ended && parts.size >= 2);
          if (next.disable) return;
          failures = ended ? [at] : [...failures, at];
          const marked = Array.from({ length: PARTS }, (_, part) =>
            failures.some((t) => Math.floor(((t - (failures[0] ?? 0)) * PARTS) / (length * SECOND)) === part),
          );
          expect(next.window.marked).toEqual(marked);
        }
      }),
      500,
    );
  });

  it("keeps its marks when its length changes", ({ expect }) => {
    const { window } = failAt([0, DAY, 3 * DAY]);
    const longer = resized(window as FailureWindow, 2 * WEEK);
    expect(longer.marked.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    expect(disablesAt(longer)).toBe(14 * DAY);
    const shorter = resized(window as FailureWindow, DAY / SECOND);
    expect(afterFailure(shorter, 4 * DAY, DAY / SECOND).disable).toBe(true);
  });

  it("is total: any times and lengths give a window of seven parts", ({ expect }) => {
    holds(
      fc.property(fc.array(fc.integer({ min: -1000, max: 2 ** 40 })), fc.nat(31_536_000), (times, length) => {
        const { window } = failAt(times, length);
        expect(window?.marked.length ?? PARTS).toBe(PARTS);
      }),
      300,
    );
  });
});

describe("admission", () => {
  const known = fc.record<Known>({
    row: fc.option(
      fc.record({
        status: fc.constantFrom(...DELIVERY_STATUSES),
        lease: fc.constantFrom(null, "queued", "att_1"),
        adopted: fc.boolean(),
      }),
    ),
    test: fc.boolean(),
    leasedUntil: fc.option(fc.nat(200_000)),
  });
  const surroundings = fc.record<Surroundings>({
    gone: fc.boolean(),
    enabled: fc.boolean(),
    lane: fc.constantFrom("normal", "slow"),
    lagging: fc.boolean(),
    quiet: fc.boolean(),
    breaker: fc.constantFrom("closed", "shut", "probe"),
    rowsFirst: fc.boolean(),
    keepsLeases: fc.boolean(),
    failures: fc.nat(5),
    timedOut: fc.boolean(),
    pace: fc.constantFrom(null, ...PACE_CLASSES),
    freeSlots: fc.integer({ min: -2, max: 25 }),
    freeTokens: fc.oneof(fc.nat(5), fc.constant(Number.POSITIVE_INFINITY)),
    promisedTokens: fc.oneof(fc.nat(3), fc.constant(Number.POSITIVE_INFINITY)),
  });

  const FRESH: Known = { row: null, test: false, leasedUntil: null };
  const WELL: Surroundings = {
    gone: false,
    enabled: true,
    lane: "normal",
    lagging: false,
    quiet: false,
    breaker: "closed",
    rowsFirst: false,
    keepsLeases: false,
    failures: 0,
    timedOut: false,
    pace: "steady",
    freeSlots: 1,
    freeTokens: 1,
    promisedTokens: 0,
  };
  const queued = { status: "retrying", lease: "queued", adopted: false } as const;
  const waits = (insert: string | null, reason: string | null) => ({ do: "wait", insert, reason });
  const sends = (lease: string) => ({ do: "send", lease });

  // What is new, what was released and what was adopted, each with one thing that stands in its way.
  it.for<[what: string, known: Partial<Known>, around: Partial<Surroundings>, decision: object]>([
    ["new", {}, {}, sends("memory")],
    ["new, where rows come first", {}, { rowsFirst: true, keepsLeases: true }, sends("row")],
    ["new, where leases are stored", {}, { keepsLeases: true }, sends("stored")],
    ["new, its endpoint deleted", {}, { gone: true }, { do: "drop" }],
    ["new, its endpoint disabled", {}, { enabled: false }, waits("held", null)],
    ["a test, its endpoint disabled", { test: true }, { enabled: false }, sends("memory")],
    ["new, and quiet asked for", {}, { quiet: true }, waits("due", "asked")],
    ["a test, and quiet asked for", { test: true }, { quiet: true }, sends("memory")],
    ["new, the breaker open", {}, { breaker: "shut" }, waits("due", "breaker")],
    ["new, the breaker half-open", {}, { breaker: "probe" }, waits("due", "breaker")],
    ["a test, the breaker open", { test: true }, { breaker: "shut" }, sends("stored")],
    ["new, after three failures", {}, { failures: 3 }, waits("due", "slow")],
    ["new, after two failures", {}, { failures: 2 }, sends("memory")],
    ["new, after a timeout", {}, { timedOut: true }, waits("due", "slow")],
    ["new, beside one that hangs", {}, { lagging: true }, waits("due", "slow")],
    ["new, its endpoint slow", {}, { pace: "slow" }, waits("due", "slow")],
    ["new in the slow lane, its endpoint slow", {}, { pace: "slow", lane: "slow" }, sends("memory")],
    ["a test, its endpoint slow", { test: true }, { pace: "slow" }, sends("memory")],
    ["new, without a slot", {}, { freeSlots: 0 }, waits("due", "slots")],
    ["new, without a token", {}, { freeTokens: 0 }, waits("due", "rate")],
    ["new, its token promised", {}, { promisedTokens: 1 }, waits("due", "rate")],
    ["in flight by a lease in memory", { leasedUntil: 1_001 }, {}, waits("leased", null)],
    ["new, a lease in memory just over", { leasedUntil: 1_000 }, {}, sends("memory")],
    ["in flight by a row", { row: { ...queued, lease: "att_1" } }, {}, waits(null, null)],
    ["done", { row: { ...queued, status: "succeeded" } }, {}, { do: "drop" }],
    ["held", { row: { ...queued, status: "held", lease: null } }, {}, waits(null, null)],
    ["due later", { row: { ...queued, lease: null } }, {}, waits(null, null)],
    ["released", { row: queued }, {}, sends("row")],
    ["released, and quiet asked for", { row: queued }, { quiet: true }, waits("again", "asked")],
    ["released, the breaker open", { row: queued }, { breaker: "shut" }, waits("again", "breaker")],
    ["released, the breaker half-open", { row: queued }, { breaker: "probe" }, sends("row")],
    ["released, its endpoint slow", { row: queued }, { pace: "slow" }, waits("again", "slow")],
    ["released, without a slot", { row: queued }, { freeSlots: 0 }, waits("again", "slots")],
    ["released, without a token", { row: queued }, { freeTokens: 0 }, waits("again", "rate")],
    ["released, its own token promised", { row: queued }, { promisedTokens: 1 }, sends("row")],
    ["adopted, its first message here", { row: { ...queued, lease: null, adopted: true } }, {}, sends("row")],
    [
      "adopted, without a slot",
      { row: { ...queued, lease: null, adopted: true } },
      { freeSlots: 0 },
      waits(null, "slots"),
    ],
    [
      "adopted, the breaker open",
      { row: { ...queued, lease: null, adopted: true } },
      { breaker: "shut" },
      waits(null, null),
    ],
  ])("decides over what is %s", ([, what, around, decision], { expect }) => {
    expect(decide({ ...FRESH, ...what }, { ...WELL, ...around }, 1_000)).toEqual(decision);
  });

  it("never sends what is finished, held, in flight, gone, or without a free slot", ({ expect }) => {
    holds(
      fc.property(known, surroundings, fc.nat(200_000), (what, around, now) => {
        const decision = decide(what, around, now);
        if (decision.do !== "send") return;
        expect(around.freeTokens).toBeGreaterThan(0);
        if (what.row?.lease !== "queued") expect(around.freeTokens).toBeGreaterThan(around.promisedTokens);
        expect(around.gone).toBe(false);
        expect(what.test || !around.quiet).toBe(true);
        expect(what.row === null || ["pending", "retrying"].includes(what.row.status)).toBe(true);
        expect(what.row?.lease ?? null).not.toBe("att_1");
        expect(around.freeSlots).toBeGreaterThan(0);
        expect(what.test || around.lane === "slow" || !(isSlow(around) || around.lagging)).toBe(true);
        if (what.row === null) {
          expect(what.leasedUntil ?? 0).toBeLessThanOrEqual(now);
          expect(what.test || around.enabled).toBe(true);
          expect(what.test || around.breaker === "closed").toBe(true);
          const lease = around.keepsLeases || around.breaker !== "closed" ? "stored" : "memory";
          expect(decision.lease).toBe(around.rowsFirst ? "row" : lease);
        } else {
          expect(decision.lease).toBe("row");
          expect(around.breaker === "closed" || what.row.lease === "queued").toBe(true);
          expect(around.breaker).not.toBe("shut");
        }
      }),
      2_000,
    );
  });

  it("lets a message go only when a row owns the delivery or nothing is owed", ({ expect }) => {
    holds(
      fc.property(known, surroundings, fc.nat(200_000), (what, around, now) => {
        const decision = decide(what, around, now);
        if (decision.do === "wait" && decision.insert === null) expect(what.row).not.toBeNull();
        if (decision.do === "drop") {
          const done = what.row !== null && ["succeeded", "failed", "canceled"].includes(what.row.status);
          expect(around.gone || done).toBe(true);
        }
      }),
      2_000,
    );
  });

  it("leaves a message at least a lease, and twice as long each time", ({ expect }) => {
    expect([0, LEASE, 2 * LEASE, 150 * SECOND, 50 * HOUR].map(nextPatience)).toEqual([
      LEASE,
      2 * LEASE,
      4 * LEASE,
      300 * SECOND,
      HOUR,
    ]);
  });
});

describe("classification", () => {
  it("takes any 2xx as success and tells the failures apart", ({ expect }) => {
    expect([200, 204, 299].map((status) => classify({ status }))).toEqual([null, null, null]);
    expect([301, 304].map((status) => classify({ status }))).toEqual(["redirect", "redirect"]);
    expect([400, 404, 429, 500, 503].map((status) => classify({ status }))).toEqual(Array(5).fill("status"));
    expect(classify({ status: 410 })).toBe("gone");
    expect(classify({ failed: "timeout" })).toBe("timeout");
  });

  it("is total: every status is a success or has one class", ({ expect }) => {
    holds(
      fc.property(fc.integer({ min: 100, max: 999 }), (status) => {
        expect(classify({ status }) === null).toBe(status >= 200 && status < 300);
      }),
      300,
    );
  });
});
