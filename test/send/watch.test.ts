import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { Watch } from "../../src/send/watch";

describe("a watch", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells of each item that has not ended in time, once, with one timer at a time", ({ expect }) => {
    const late: string[] = [];
    const watch = new Watch<string>(1_000, (item) => late.push(item));
    watch.begin("first");
    vi.advanceTimersByTime(400);
    watch.begin("second");
    watch.begin("ends in time");
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(599);
    expect(late).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(late).toEqual(["first"]);
    expect(vi.getTimerCount()).toBe(1);
    watch.end("ends in time");
    vi.advanceTimersByTime(400);
    expect(late).toEqual(["first", "second"]);
    vi.advanceTimersByTime(10_000);
    expect(late).toEqual(["first", "second"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no timer once all have ended, and begins anew", ({ expect }) => {
    const late: string[] = [];
    const watch = new Watch<string>(1_000, (item) => late.push(item));
    watch.begin("one");
    watch.end("one");
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5_000);
    watch.begin("two");
    vi.advanceTimersByTime(999);
    expect(late).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(late).toEqual(["two"]);
  });
});
