import fc from "fast-check";
import { describe, it } from "vitest";
import { apiTime, localTime } from "../../src/dashboard/components/log";
import { duration, span } from "../../src/dashboard/components/time";
import { shownFilter } from "../../src/dashboard/forms/filter-form";
import { prettyJson } from "../../src/dashboard/json-text";
import { bodyOf, changeOf, newValues, valuesOf } from "../../src/dashboard/pages/endpoints/endpoint-values";
import { type Signal, sayWhen, signalBody, valuesOfSignal } from "../../src/dashboard/pages/signals/signal-values";
import { holds } from "../lib/property";

describe("JSON as it is shown", () => {
  it("says what the text says, token by token", ({ expect }) => {
    holds(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(prettyJson(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      200,
    );
    holds(
      fc.property(fc.jsonValue(), (value) => {
        expect(prettyJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      }),
      200,
    );
  });

  it("keeps digits, and leaves alone what is no JSON", ({ expect }) => {
    expect(prettyJson('{"a":1.0,"b":12345678901234567890}')).toBe('{\n  "a": 1.0,\n  "b": 12345678901234567890\n}');
    expect(prettyJson("<b>no</b>")).toBe("<b>no</b>");
  });
});

describe("times", () => {
  it("are told in the largest unit that fits", ({ expect }) => {
    expect([0, 45_000, 90_000, 7_200_000, 200_000_000].map(span)).toEqual(["0 s", "45 s", "2 min", "2 h", "2 d"]);
    expect([0, 30, 90, 5400, 604_800].map(duration)).toEqual(["0 s", "30 s", "1 min 30 s", "1 h 30 min", "7 d"]);
  });

  it("go between the browser's field and the API", ({ expect }) => {
    expect(apiTime("2026-11-21T09:30")).toBe("2026-11-21T09:30:00Z");
    expect(apiTime("2026-11-21T09:30:15")).toBe("2026-11-21T09:30:15Z");
    expect(apiTime("2026-11-21T09:30:15Z")).toBe("2026-11-21T09:30:15Z");
    expect(apiTime("yesterday")).toBe("yesterday");
    expect(apiTime("")).toBeUndefined();
    expect(localTime("2026-11-21T09:30:15.123Z")).toBe("2026-11-21T09:30:15");
  });
});

const endpoint = {
  id: "ep_1",
  uid: null,
  name: null,
  url: "https://a.example/",
  description: null,
  events: ["lead.hot", "order.paid"],
  profile: "clearview" as const,
  filter: { "data.a": { $gt: 1 } },
  format: "envelope" as const,
  signature: { scheme: "hex" as const, header: "X-Webhook-Signature" },
  headers: { Authorization: "***" },
  method: "POST" as const,
  metadata: { team: "a: b" },
  retry: [30, 120],
  timeout: 10,
  disableAfter: 604_800,
  rateLimit: null,
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  createdAt: "",
  updatedAt: "",
};

describe("an endpoint's form", () => {
  it("changes nothing that nobody touched", ({ expect }) => {
    const values = valuesOf(endpoint, ["lead.hot"]);
    expect(values.moreEvents).toBe("order.paid");
    const { body, unread } = bodyOf(values);
    expect(unread).toEqual([]);
    expect(changeOf(body, endpoint)).toEqual({});
  });

  it("names what was changed, and null for what was emptied", ({ expect }) => {
    const values = {
      ...valuesOf(endpoint, []),
      filter: shownFilter(null),
      retry: "5 10",
      headers: "",
      events: ["*"],
      scheme: "stripe",
    };
    expect(changeOf(bodyOf(values).body, endpoint)).toEqual({
      events: ["*"],
      filter: null,
      retry: [5, 10],
      headers: null,
      signature: { scheme: "stripe", header: null },
    });
  });

  it("names the fields that cannot be read", ({ expect }) => {
    const filter = { ...shownFilter(null), tab: "json" as const, json: "[]" };
    const values = { ...newValues("clearview"), filter, retry: "5, x", headers: "no colon", timeout: "1.5" };
    expect(bodyOf(values).unread.map(({ path }) => path)).toEqual(["filter", "headers", "retry", "timeout"]);
  });
});

describe("a signal's form", () => {
  it("says each form as the API takes it, and reads it back", ({ expect }) => {
    const whens: Record<string, unknown>[] = [
      { every: true },
      { once: true },
      { crosses: { path: "company.score", threshold: 70 } },
      { changesBy: { path: "score", atLeast: 5 } },
      { returnsAfter: { seconds: 86_400 } },
      { inList: "watchlist" },
    ];
    for (const when of whens) {
      const signal: Signal = {
        id: "sig_1",
        name: "a",
        emit: "b",
        entity: "c.d",
        filter: { "data.x": 1 },
        when,
        // What compares nothing has nothing to attach.
        attach: ["crosses", "changesBy", "returnsAfter"].some((kind) => kind in when) ? { p: "previous" } : null,
      };
      const { id: _, ...rule } = signal;
      expect(signalBody(valuesOfSignal(signal))).toEqual({ body: rule, unread: [] });
      expect(sayWhen(when)).not.toBe("");
    }
  });
});
