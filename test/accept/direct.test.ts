import { describe, it } from "vitest";
import { mayGoDirectly } from "../../src/accept/direct";

const USUAL = { timeout: null };

describe("the Worker that accepts an event may deliver it itself", () => {
  it("to as many endpoints as it can begin at once, and to addresses that come with the event", ({ expect }) => {
    expect([0, 1, 6, 7].map((count) => mayGoDirectly(Array(count).fill(USUAL), 0))).toEqual([false, true, true, false]);
    expect(mayGoDirectly([], 1)).toBe(true);
    expect(mayGoDirectly(Array(6).fill(USUAL), 1)).toBe(false);
  });

  it("unless an attempt could outlast what the platform gives it after the answer", ({ expect }) => {
    const timeouts = [1, 25, 26, 30].map((timeout) => mayGoDirectly([USUAL, { timeout }], 0));
    expect(timeouts).toEqual([true, true, false, false]);
  });
});
