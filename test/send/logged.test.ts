import { describe, it } from "vitest";
import { deliveryId, newId } from "../../src/lib/ids";
import { FURTHER_PER_LINE, isLogged } from "../../src/send/logged";

const NOW = Date.UTC(2026, 10, 21);

/** The ids of the deliveries at that index, of many events. */
const deliveries = (index: number) =>
  Array.from({ length: 3_200 }, (_, i) => deliveryId(newId("evt", NOW + i).slice(4), index));

describe("an attempt", () => {
  it("has a line whenever it failed, and where it made good what did", ({ expect }) => {
    for (const id of [...deliveries(0), ...deliveries(3), "of no form"]) {
      expect(isLogged(id, 1, "status")).toBe(true);
      expect(isLogged(id, 7, "timeout")).toBe(true);
      expect(isLogged(id, 2, null)).toBe(true);
    }
  });

  it("has none where the event's own is enough", ({ expect }) => {
    expect(deliveries(0).filter((id) => isLogged(id, 1, null))).toEqual([]);
    expect(isLogged("of no form", 1, null)).toBe(false);
  });

  it("has one in about ten at each further endpoint, so that an event has at most one for each delivery", ({
    expect,
  }) => {
    for (const index of [1, 2, 9, 10, 99]) {
      const share = deliveries(index).filter((id) => isLogged(id, 1, null)).length / 3_200;
      expect(share * FURTHER_PER_LINE).toBeGreaterThan(0.5);
      expect(share * FURTHER_PER_LINE).toBeLessThan(1.6);
    }
    for (const size of [1, 2, 10, 100]) {
      for (const ulid of Array.from({ length: 200 }, (_, i) => newId("evt", NOW + i).slice(4))) {
        const lines = Array.from({ length: size }, (_, index) => isLogged(deliveryId(ulid, index), 1, null)).filter(
          Boolean,
        );
        expect(1 + lines.length).toBeLessThanOrEqual(size);
      }
    }
  });
});
