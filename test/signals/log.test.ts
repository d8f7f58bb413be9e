import { afterEach, describe, it, vi } from "vitest";
import { call, newTenant } from "../lib/api";
import { newSignal, seen } from "./world";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the log of observations", () => {
  const posted = async (count: number) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    await newSignal(tenant, { every: true }, { emit: "other" });
    const lines: Record<string, unknown>[] = [];
    vi.spyOn(console, "log").mockImplementation((line: unknown) => {
      lines.push(JSON.parse(String(line)));
    });
    const observations = Array.from({ length: count }, () => seen("a.com"));
    const { body } = await call("POST", `/v1/tenants/${tenant}/observations/batch`, { observations });
    const of = (step: string) => lines.filter((line) => line.step === step && line.tenant === tenant);
    const ids = body.events.map(({ id }: { id: string }) => id);
    return { ids, emitted: of("signal.emitted"), accepted: of("event.accepted") };
  };

  it("has one line for what a call emits, and none for each event", async ({ expect }) => {
    const { ids, emitted, accepted } = await posted(50);
    expect(emitted).toEqual([expect.objectContaining({ events: 100, ids: expect.any(Array) })]);
    expect(new Set(emitted[0]?.ids as string[]).size).toBe(20);
    expect(ids).toEqual(expect.arrayContaining(emitted[0]?.ids as string[]));
    expect(accepted).toEqual([]);
  });
});
