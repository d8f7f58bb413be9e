import { describe, it } from "vitest";
import { byHarm, FailedShare, harmOf, severityOf } from "../../src/dashboard/components/figures/incidents";
import { HOUR, iso, MINUTE } from "../../src/lib/time";

const NOW = Date.UTC(2026, 10, 21, 12);
const SUMMARY = {
  state: "healthy" as const,
  failingSince: null as string | null,
  failedShare: null as number | null,
  waiting: 0,
  oldestWaitingAt: null as string | null,
  held: 0,
  lastSuccessAt: null,
  lastFailure: null,
  asOf: null,
};
const endpoint = {
  uid: null,
  name: null,
  url: "https://a.example/",
  description: null,
  events: ["*"],
  profile: "clearview" as const,
  filter: null,
  format: "envelope" as const,
  signature: { scheme: "hex" as const, header: "X-Webhook-Signature" },
  headers: {},
  method: "POST" as const,
  metadata: {},
  retry: [],
  timeout: 10,
  disableAfter: 604_800,
  rateLimit: null,
  disabledAt: null,
  createdAt: "",
  updatedAt: "",
};
const one = (
  id: string,
  summary: Partial<Omit<typeof SUMMARY, "state"> & { state: "healthy" | "failing" | "disabled" }> = {},
  disabledReason: null | "manual" | "failing" | "gone" = null,
) => ({ ...endpoint, id, enabled: disabledReason === null, disabledReason, summary: { ...SUMMARY, ...summary } });

describe("endpoints by harm", () => {
  it("begin with what the rule switched off, then what fails most, waits, is held, and fails at times", ({
    expect,
  }) => {
    const worst = [
      one("off", { state: "disabled" }, "failing"),
      one("all", { state: "failing", failedShare: 1 }),
      one("most", { state: "failing", failedShare: 0.6, waiting: 40 }),
      one("more", { state: "failing", failedShare: 0.6, waiting: 4 }),
      one("behind", { waiting: 9, oldestWaitingAt: iso(NOW - HOUR) }),
      one("held", { held: 12 }),
      one("by hand", { state: "disabled", held: 3 }, "manual"),
      one("some", { failedShare: 0.03 }),
      one("busy"),
      one("fine", { waiting: 0, oldestWaitingAt: iso(NOW - MINUTE) }),
      one("paused", { state: "disabled" }, "manual"),
    ];
    const point = { at: NOW, succeeded: 5, waiting: 0, failed: 0, other: 0, p50: null, p95: null };
    const hours = new Map([["busy", [point]]]);
    expect(byHarm(worst.toReversed(), NOW, hours).map(({ id }) => id)).toEqual(worst.map(({ id }) => id));
  });

  it("that wait a moment only do none, and what is held does while it is enabled again", ({ expect }) => {
    expect(harmOf(one("a", { waiting: 9, oldestWaitingAt: iso(NOW - MINUTE) }), NOW)).toBe("none");
    expect(harmOf(one("a", { held: 1 }), NOW)).toBe("held");
    // What has failed once in a hundred, a moment ago, leads no page; what has let nothing through for long does.
    const failing = { state: "failing" as const, failedShare: 0.01 };
    expect(harmOf(one("a", { ...failing, failingSince: iso(NOW - MINUTE) }), NOW)).toBe("some");
    expect(harmOf(one("a", { ...failing, failingSince: iso(NOW - HOUR) }), NOW)).toBe("failing");
    expect(harmOf({ ...endpoint, id: "a", enabled: true, disabledReason: null }, NOW)).toBe("none");
  });
});

describe("a share that failed", () => {
  it("tells 3 % from 100 % in word, length and colour", ({ expect }) => {
    expect([0, 0.03, 0.05, 0.5, 0.99, 0.996, 1].map(severityOf)).toEqual([
      "few",
      "few",
      "some",
      "most",
      "most",
      "all",
      "all",
    ]);
    const [few, all] = [0.03, 1].map((share) => String(FailedShare({ share })));
    expect(few).toMatch(/class="failed-share few".*width="3".*3 %/);
    expect(all).toMatch(/class="failed-share all".*width="100".*100 %/);
    expect(String(FailedShare({ share: null }))).toContain("—");
  });
});
