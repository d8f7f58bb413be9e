import fc from "fast-check";
import { describe, it } from "vitest";
import {
  deliveryId,
  encodeTime,
  eventId,
  isDeliveryId,
  logName,
  logOf,
  mintEventUlid,
  newId,
  parseDeliveryId,
  parseEventId,
  ulidTime,
} from "../../src/lib/ids";
import { jsonWithRaw, memberTexts } from "../../src/lib/json/json";
import { DAY, dayOf, dayStart } from "../../src/lib/time";
import { holds } from "./property";

describe("JSON as text", () => {
  it("finds each member's own text, with whatever space and nesting around it", ({ expect }) => {
    const space = fc.stringMatching(/^[ \n\t\r]{0,3}$/);
    holds(
      fc.property(fc.array(fc.tuple(fc.string(), fc.json()), { maxLength: 6 }), space, (members, gap) => {
        const text = `${gap}{${gap}${members
          .map(([name, value]) => `${JSON.stringify(name)}${gap}:${gap}${value}${gap}`)
          .join(`,${gap}`)}}${gap}`;
        JSON.parse(text);
        expect([...memberTexts(text)]).toEqual([...new Map(members.map(([name, value]) => [name, value.trim()]))]);
      }),
      500,
    );
  });

  it("keeps what parsing would change", ({ expect }) => {
    const data = '{"2":1.0,"1":12345678901234567890,"a":"\\u00e9\\/","a":1e400}';
    expect(memberTexts(`{"event":"x","data": ${data} }`).get("data")).toBe(data);
    expect(jsonWithRaw({ id: "x" }, { data })).toBe(`{"id":"x","data":${data}}`);
    expect(jsonWithRaw({}, { data: "1" })).toBe('{"data":1}');
  });
});

describe("ids", () => {
  it("of an event name its day, rise, and stay inside the day whatever the clock says", ({ expect }) => {
    const day = "2026-11-21";
    const clock = fc.integer({ min: dayStart(day) - DAY, max: dayStart(day) + 2 * DAY });
    holds(
      fc.property(fc.array(clock, { minLength: 1, maxLength: 30 }), (times) => {
        let last: string | null = null;
        for (const now of times) {
          const ulid: string = mintEventUlid(day, now, last);
          expect(dayOf(ulidTime(ulid))).toBe(day);
          expect(parseEventId(eventId(ulid))).toEqual({ ulid, day });
          if (last !== null) expect(ulid > last).toBe(true);
          last = ulid;
        }
      }),
      200,
    );
  });

  it("of a delivery tell its event and the index of its match", ({ expect }) => {
    const ulid = mintEventUlid("2026-11-21", Date.parse("2026-11-21T12:00:00Z"), null);
    expect(parseDeliveryId(deliveryId(ulid, 12))).toEqual({ ulid, day: "2026-11-21", index: 12 });
    for (const wrong of [
      "",
      "dlv_",
      `dlv_${ulid}`,
      `dlv_${ulid}01`,
      `dlv_${ulid}x`,
      `evt_${ulid}0`,
      `dlv_${ulid.toLowerCase()}0`,
    ]) {
      expect(parseDeliveryId(wrong)).toBeNull();
    }
  });

  it("of another shard are read, and name a log of their own", ({ expect }) => {
    const ulid = mintEventUlid("2026-11-21", Date.parse("2026-11-21T12:00:00Z"), null);
    const names = [..."0123456789ABCDEFGHJKMNPQRSTVWXYZ"].map((shard) => {
      const other = `${ulid.slice(0, 10)}${shard}${ulid.slice(11)}`;
      const ref = { ulid: other, day: "2026-11-21" };
      expect(parseEventId(eventId(other))).toEqual(ref);
      expect(parseDeliveryId(deliveryId(other, 3))).toEqual({ ...ref, index: 3 });
      expect(isDeliveryId(deliveryId(other, 3))).toBe(true);
      expect(logOf(logName(ref))).toEqual({
        day: "2026-11-21",
        shard: "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(shard),
      });
      return logName(ref);
    });
    expect(names[0]).toBe("2026-11-21");
    expect(new Set(names).size).toBe(32);
    for (const none of ["I", "L", "O", "U", "a", "-"]) {
      expect(parseEventId(eventId(`${ulid.slice(0, 10)}${none}${ulid.slice(11)}`))).toBeNull();
    }
  });

  it("read back the time they were made", ({ expect }) => {
    holds(
      fc.property(fc.nat(2 ** 47), (ms) => {
        expect(ulidTime(encodeTime(ms))).toBe(ms);
        expect(ulidTime(newId("ep", ms).slice(3))).toBe(ms);
      }),
      200,
    );
  });
});
