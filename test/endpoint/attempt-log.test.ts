import { afterEach, describe, it, vi } from "vitest";
import type { Attempt } from "../../src/contracts/delivery";
import { attemptsOf, hasAttempt, withAttempt } from "../../src/endpoint/storage/attempt-log";

afterEach(() => {
  vi.restoreAllMocks();
});

/** An attempt's entry with a response of so many bytes. */
function entryOf(number: number, size: number): string {
  const attempt: Attempt = {
    id: `att_${number}`,
    number,
    at: number,
    durationMs: 1,
    statusCode: 500,
    error: "status",
    trigger: "manual",
    format: "envelope",
    request: { method: "POST", url: "https://receiver.example/", headers: {} },
    response: { headers: {}, body: "ä".repeat(size / 2), truncated: false },
  };
  return JSON.stringify(attempt);
}

describe("the log of a delivery's attempts", () => {
  it("lets the oldest responses go, and none of the attempts, once it is a megabyte large", ({ expect }) => {
    let log = "[]";
    for (let number = 1; number <= 150; number++) log = withAttempt(log, entryOf(number, 16_000));
    const attempts = attemptsOf(log);
    expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    const kept = attempts.filter(({ response }) => response !== null);
    expect(kept).toEqual(attempts.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(50);
    expect(new TextEncoder().encode(log).byteLength).toBeLessThanOrEqual(1_000_000);
    expect([hasAttempt(log, "att_1"), hasAttempt(log, "att_151")]).toEqual([true, false]);
  });

  it("keeps the last 200", ({ expect }) => {
    let log = "[]";
    for (let number = 1; number <= 205; number++) log = withAttempt(log, entryOf(number, 10));
    expect(attemptsOf(log).map(({ number }) => number)).toEqual(Array.from({ length: 200 }, (_, i) => i + 6));
  });

  it("is not written out anew for each response that it lets go", ({ expect }) => {
    // As a version without the bound has left it.
    const log = `[${Array.from({ length: 199 }, (_, i) => entryOf(i + 1, 16_000)).join(",")}]`;
    const stringify = vi.spyOn(JSON, "stringify");
    withAttempt(log, entryOf(200, 16_000));
    const written = stringify.mock.results.reduce((sum, { value }) => sum + String(value).length, 0);
    // Each response that went was written out once, without itself.
    expect(stringify.mock.calls.length).toBeLessThan(200);
    expect(written).toBeLessThan(log.length / 10);
  });
});
