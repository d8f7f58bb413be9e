import { describe, it } from "vitest";
import { match } from "../../src/accept/match";
import type { Automation, Snapshot } from "../../src/config/snapshot";
import type { Filter } from "../../src/lib/filter/filter";
import { MAX_VISITS, Visits } from "../../src/lib/filter/visits";

const NOW = Date.parse("2026-11-21T09:30:00.000Z");
const HOT: Filter = { "data.score": { $gte: 80 } };

function subscription(id: string, events: string[], filter: Filter | null = null) {
  return { id, version: 1, timeout: null, events: new Set(events), filter };
}

function matched(
  subscriptions: Snapshot["subscriptions"],
  automations: Automation[],
  data: unknown,
  type = "lead.hot",
): string[] {
  const subject = { tenant: "acme", type, data: () => data, timestamp: NOW };
  return match({ subscriptions, automations }, subject).map(({ id }) => id);
}

describe("matching", () => {
  it("takes the endpoints subscribed to the type or to all", ({ expect }) => {
    const subscriptions = [
      subscription("ep_1", ["lead.hot", "lead.cold"]),
      subscription("ep_2", ["lead.cold"]),
      subscription("ep_3", ["*"]),
      subscription("ep_4", []),
      subscription("ep_5", ["lead"]),
    ];
    expect(matched(subscriptions, [], {})).toEqual(["ep_1", "ep_3"]);
    expect(matched(subscriptions, [], {}, "other")).toEqual(["ep_3"]);
    expect(matched([], [], {})).toEqual([]);
  });

  it("leaves out those whose filter the event does not pass", ({ expect }) => {
    const subscriptions = [
      subscription("ep_1", ["*"], HOT),
      subscription("ep_2", ["*"], { tenant: "acme", event: "lead.hot", timestamp: "2026-11-21T09:30:00.000Z" }),
      subscription("ep_3", ["*"], { tenant: "other" }),
      subscription("ep_4", ["lead.cold"], {}),
    ];
    expect(matched(subscriptions, [], { score: 80 })).toEqual(["ep_1", "ep_2"]);
    expect(matched(subscriptions, [], { score: 79 })).toEqual(["ep_2"]);
    expect(matched(subscriptions, [], [])).toEqual(["ep_2"]);
  });

  it("adds what automations name, whatever it subscribes to or filters, after the subscribed", ({ expect }) => {
    const subscriptions = [
      subscription("ep_1", []),
      subscription("ep_2", ["lead.hot"]),
      subscription("ep_3", ["lead.hot"], { tenant: "other" }),
    ];
    const automations = [{ trigger: "lead.hot", filter: null, endpoints: ["ep_3", "ep_1"] }];
    expect(matched(subscriptions, automations, {})).toEqual(["ep_2", "ep_3", "ep_1"]);
    expect(matched(subscriptions, automations, {}, "lead.cold")).toEqual([]);
  });

  it("asks an automation's segment", ({ expect }) => {
    const subscriptions = [subscription("ep_1", [])];
    const automations = [{ trigger: "lead.hot", filter: HOT, endpoints: ["ep_1"] }];
    expect(matched(subscriptions, automations, { score: 90 })).toEqual(["ep_1"]);
    expect(matched(subscriptions, automations, { score: 9 })).toEqual([]);
    expect(matched(subscriptions, automations, {})).toEqual([]);
  });

  it("takes an endpoint once, however often it is named", ({ expect }) => {
    const subscriptions = [subscription("ep_1", ["*"]), subscription("ep_2", [])];
    const automations = [
      { trigger: "lead.hot", filter: null, endpoints: ["ep_2", "ep_1", "ep_2"] },
      { trigger: "lead.hot", filter: null, endpoints: ["ep_2", "ep_1"] },
    ];
    expect(matched(subscriptions, automations, {})).toEqual(["ep_1", "ep_2"]);
  });

  it("passes over an automation's endpoint that is deleted", ({ expect }) => {
    const automations = [{ trigger: "lead.hot", filter: null, endpoints: ["ep_gone", "ep_1"] }];
    expect(matched([subscription("ep_1", [])], automations, {})).toEqual(["ep_1"]);
  });

  it("looks at so many values for each filter, and at so many for all that a request matches", ({ expect }) => {
    const list = Array.from({ length: 400_000 }, () => 0);
    const unlike = { "data.x": { $ne: 1 } };
    const costly = { $and: [unlike, unlike, { "data.x": { $nin: [1] } }] };
    const subscriptions = [
      subscription("ep_1", ["*"], costly),
      subscription("ep_2", ["*"], unlike),
      subscription("ep_3", ["*"], { $not: costly }),
      subscription("ep_4", ["*"]),
    ];
    const automations = [{ trigger: "lead.hot", filter: { $not: costly }, endpoints: ["ep_1"] }];
    expect(matched(subscriptions, automations, { x: list })).toEqual(["ep_2", "ep_4"]);
    const subject = { tenant: "acme", type: "lead.hot", data: () => ({ x: list }), timestamp: NOW };
    const visits = new Visits(MAX_VISITS + 100);
    const ids = () => match({ subscriptions, automations: [] }, subject, visits).map(({ id }) => id);
    expect(ids()).toEqual(["ep_4"]);
    const cheap = { subscriptions: [subscription("ep_5", ["*"], { event: "lead.hot" })], automations: [] };
    expect(match(cheap, subject, visits)).toEqual([]);
    expect(match(cheap, subject)).toHaveLength(1);
  });

  it("reads the data once, and only for a filter that looks at it", ({ expect }) => {
    let reads = 0;
    const subject = { tenant: "acme", type: "lead.hot", data: () => ++reads && { score: 80 }, timestamp: NOW };
    const plain = [subscription("ep_1", ["*"]), subscription("ep_2", ["*"], { tenant: "acme" })];
    const automations = [{ trigger: "lead.cold", filter: HOT, endpoints: ["ep_1"] }];
    const foreign = subscription("ep_3", ["lead.cold"], HOT);
    expect(match({ subscriptions: [...plain, foreign], automations }, subject)).toHaveLength(2);
    expect(reads).toBe(0);
    const looking = [subscription("ep_3", ["*"], HOT), subscription("ep_4", ["*"], HOT)];
    expect(match({ subscriptions: [...plain, ...looking], automations }, subject)).toHaveLength(4);
    expect(reads).toBe(1);
  });
});
