import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Event } from "../../src/contracts/event";
import type { Versions } from "../../src/contracts/event-log";
import {
  type EventsMessage,
  INLINE_DATA_BYTES,
  MESSAGE_BYTES,
  MESSAGE_ENDPOINTS,
  parseMessage,
} from "../../src/contracts/messages";
import { Announcer } from "../../src/event-log/announce";
import { Outbound } from "../../src/event-log/merge-messages";
import { utf8 } from "../../src/lib/crypto";
import { deliveryId } from "../../src/lib/ids";
import { holds } from "../lib/property";
import { until } from "../lib/until";

let serial = 0;

function newEvent(data: string, ...endpoints: string[]): Event {
  return {
    ulid: `01JD0000000000000000${String(serial++).padStart(6, "0")}`,
    type: "e",
    timestamp: 1_795_000_000_000,
    payloadId: "evt_x",
    data,
    matches: endpoints.map((endpoint) => ({ endpoint })),
  };
}

const newEvents = (count: number, bytes: number, ...endpoints: string[]) =>
  Array.from({ length: count }, () => newEvent(JSON.stringify("é".repeat(bytes / 2)), ...endpoints));

/** All that waits, in its order. */
function drained(outbound: Outbound): EventsMessage[] {
  const messages: EventsMessage[] = [];
  for (let batch = outbound.take(); batch.length > 0; batch = outbound.take()) messages.push(...batch);
  return messages;
}

function messagesOf(events: readonly Event[], versions: Versions = new Map()): EventsMessage[] {
  const outbound = new Outbound("t");
  outbound.add(events, versions);
  return drained(outbound);
}

/** For each message that brings something to an endpoint, how much. */
const sizes = (messages: readonly EventsMessage[], endpoint: string) =>
  messages.flatMap(({ shares }) => {
    return shares.filter((share) => share.endpoint === endpoint).map(({ deliveries }) => deliveries.length);
  });
const deliveriesOf = ({ shares }: EventsMessage) => shares.flatMap(({ deliveries }) => deliveries);

describe("messages", () => {
  it("carry the text up to 60 KB and a reference beyond", ({ expect }) => {
    const small = messagesOf([newEvent(`"${"x".repeat(INLINE_DATA_BYTES - 2)}"`, "ep_a")], new Map([["ep_a", 3]]));
    const [read] = parseMessage(small[0])?.shares ?? [];
    expect(read?.deliveries[0]?.text?.data).toHaveLength(INLINE_DATA_BYTES);
    expect(read?.version).toBe(3);
    const large = messagesOf([newEvent(`"${"x".repeat(INLINE_DATA_BYTES)}"`, "ep_a")]);
    expect(large[0]?.texts).toEqual({});
    expect(parseMessage(large[0])?.shares).toEqual(large[0]?.shares);
  });

  it("carry a text once, and each endpoint of the event reads it", ({ expect }) => {
    const events = newEvents(3, 10_000, ...Array.from({ length: 10 }, (_, i) => `ep_${i}`));
    const [message, ...more] = messagesOf(events);
    expect(more).toEqual([]);
    expect(JSON.stringify(message).length).toBeLessThan(40_000);
    const shares = parseMessage(message)?.shares ?? [];
    expect(shares.map(({ endpoint }) => endpoint)).toEqual(Array.from({ length: 10 }, (_, i) => `ep_${i}`));
    for (const [index, { deliveries }] of shares.entries()) {
      const texts = events.map(({ ulid, data, timestamp, payloadId }) => {
        return { id: deliveryId(ulid, index), type: "e", text: { data, timestamp, payloadId } };
      });
      expect(deliveries).toEqual(texts);
    }
  });

  it("are as few as go for events accepted together: by deliveries, by bytes and by endpoints", ({ expect }) => {
    const small = messagesOf(newEvents(50, 10, "ep_a", "ep_b"));
    const long = messagesOf(newEvents(101, 10, "ep_a", "ep_b"));
    const large = messagesOf(newEvents(10, 30_000, "ep_a", "ep_b"));
    const wide = messagesOf(newEvents(2, 10, ...Array.from({ length: 25 }, (_, i) => `ep_${i}`)));
    for (const endpoint of ["ep_a", "ep_b"]) {
      expect(sizes(small, endpoint)).toEqual([50]);
      expect(sizes(long, endpoint)).toEqual([50, 50, 1]);
      expect(sizes(large, endpoint)).toEqual([3, 3, 3, 1]);
    }
    expect(wide.map(({ shares }) => shares.length)).toEqual([10, 10, 10, 10, 10]);
    for (const { shares } of wide) expect(shares.length).toBeLessThanOrEqual(MESSAGE_ENDPOINTS);
    for (const message of [...small, ...long, ...large, ...wide]) {
      expect(new TextEncoder().encode(JSON.stringify(message)).byteLength).toBeLessThanOrEqual(MESSAGE_BYTES);
      const read = parseMessage(message)?.shares ?? [];
      expect(read.flatMap(({ deliveries }) => deliveries).every(({ text }) => text !== undefined)).toBe(true);
    }
  });

  it("of an endpoint that were under way before the type was called so are read as if it had been", ({ expect }) => {
    const [id, of] = [deliveryId("01JD0000000000000000000000", 0), { tenant: "t", endpoint: "e", version: 1 }];
    const read = parseMessage({ ...of, deliveries: [{ id, event: "e", test: true }] });
    expect(read?.shares).toEqual(parseMessage({ ...of, deliveries: [{ id, type: "e", test: true }] })?.shares);
    expect(read?.shares[0]?.deliveries).toEqual([{ id, type: "e", test: true }]);
  });

  it("of nobody's making are known as such", ({ expect }) => {
    const ref = { id: deliveryId("01JD0000000000000000000000", 0), type: "e" };
    for (const body of [
      null,
      1,
      "x",
      {},
      { tenant: "t", endpoint: "e", version: 1, deliveries: [{ id: "x", type: "e" }] },
      { tenant: "t", endpoint: "e", version: 1, deliveries: [null, { id: ref.id, event: "e" }] },
      { tenant: "t", shares: [] },
      { tenant: "t", shares: [null] },
      { tenant: "t", shares: [{ endpoint: "e", version: 1, deliveries: [] }] },
      { tenant: "t", shares: [{ endpoint: "e", version: 1, deliveries: [ref] }], texts: 5 },
      { tenant: "t", shares: [{ endpoint: "e", version: 1, deliveries: [ref] }], texts: { x: { data: 5 } } },
    ]) {
      expect(parseMessage(body)).toBeNull();
    }
  });
});

describe("one call of the queue", () => {
  // https://developers.cloudflare.com/queues/platform/limits/
  const [MOST_MESSAGES, MOST_BYTES, MOST_MESSAGE_BYTES] = [100, 256_000, 128_000];
  /** What a message's metadata adds to its body, about. */
  const METADATA = 100;

  function callsOf(events: readonly Event[]): { messages: EventsMessage[]; sizes: number[] }[] {
    const outbound = new Outbound("t");
    expect(outbound.add(events, new Map())).toBe(0);
    const calls: { messages: EventsMessage[]; sizes: number[] }[] = [];
    for (let messages = outbound.take(); messages.length > 0; messages = outbound.take()) {
      const sizes = messages.map((message) => utf8(JSON.stringify(message)).byteLength + METADATA);
      calls.push({ messages, sizes });
    }
    return calls;
  }
  const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0);

  it("brings no more bytes than it takes, and no fewer than go into it", () => {
    // Of one event for 200 endpoints each message has 58 KB: four go into a call.
    const calls = callsOf(newEvents(1, 58_000, ...Array.from({ length: 200 }, (_, i) => `ep_${i}`)));
    expect(calls.map(({ messages }) => messages.length)).toEqual(Array(5).fill(4));
    for (const { sizes } of calls) expect(sum(sizes)).toBeLessThanOrEqual(MOST_BYTES);
  });

  it("brings no more messages than it takes", () => {
    const calls = callsOf(newEvents(10, 10, ...Array.from({ length: 250 }, (_, i) => `ep_${i}`)));
    expect(calls.map(({ messages }) => messages.length)).toEqual([100, 100, 50]);
  });

  it("stays under each limit whatever the events are, and all are brought, each once", () => {
    const data = fc.tuple(fc.constantFrom("x", "é", '\\"', "\\\\"), fc.nat(31_000)).map(([char, times]) => {
      return `"${char.repeat(times)}"`;
    });
    const event = fc.tuple(data, fc.uniqueArray(fc.nat(120), { minLength: 1, maxLength: 30 }));
    holds(
      fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), (posted) => {
        const events = posted.map(([text, endpoints]) => newEvent(text, ...endpoints.map((n) => `ep_${n}`)));
        const calls = callsOf(events);
        for (const { messages, sizes } of calls) {
          expect(messages.length).toBeLessThanOrEqual(MOST_MESSAGES);
          expect(sum(sizes)).toBeLessThanOrEqual(MOST_BYTES);
          for (const size of sizes) expect(size).toBeLessThanOrEqual(MOST_MESSAGE_BYTES);
        }
        const brought = calls.flatMap(({ messages }) => messages.flatMap(deliveriesOf));
        const owed = events.flatMap(({ ulid, matches }) => matches.map((_, index) => deliveryId(ulid, index)));
        expect(brought.map(({ id }) => id).toSorted()).toEqual(owed.toSorted());
      }),
      30,
    );
  });
});

/** A queue that keeps what is sent, each call held until it is let go. */
function heldQueue() {
  const calls: { messages: EventsMessage[]; end: () => void }[] = [];
  const sendBatch = (batch: Iterable<{ body: EventsMessage }>) =>
    new Promise<void>((end) => calls.push({ messages: structuredClone([...batch].map(({ body }) => body)), end }));
  const ended = new Set<object>();
  return {
    queue: { sendBatch } as unknown as Queue<EventsMessage>,
    calls,
    /** Lets all go, also what comes after it, until there have been `count` calls. */
    async through(count: number) {
      const about = () => `${count} calls, of which there are ${calls.length}`;
      await until(about, () => {
        for (const call of calls) {
          if (ended.has(call)) continue;
          ended.add(call);
          call.end();
        }
        return calls.length >= count;
      });
    },
  };
}

describe("what waits between two calls of the queue", () => {
  it("goes in the same messages, whichever requests brought it, with the newest version of each endpoint", async ({
    expect,
  }) => {
    const { queue, calls, through } = heldQueue();
    const announcer = new Announcer(() => queue, "t");
    // Two calls are under way ...
    for (const n of [1, 2]) {
      announcer.announce([newEvent("{}", "ep_a")], new Map([["ep_a", 1]]));
      await until(`call ${n}`, () => calls.length === n);
    }
    // ... while a hundred requests come, a configuration being changed among them.
    const events = newEvents(100, 10, "ep_a", "ep_b");
    for (const [i, event] of events.entries()) {
      const version = i === 50 ? 7 : 6;
      const versions = new Map([["ep_a", version]]);
      announcer.announce([event], versions.set("ep_b", 2));
    }
    expect(calls).toHaveLength(2);
    await through(3);
    const [, , { messages } = { messages: [] }] = calls;
    const shares = messages.flatMap(({ shares }) => shares);
    // A hundred deliveries in each.
    expect(shares.map(({ endpoint, version }) => [endpoint, version])).toEqual([
      ["ep_a", 6],
      ["ep_b", 2],
      ["ep_a", 7],
      ["ep_b", 2],
    ]);
    const order = events.map(({ ulid }) => ulid);
    for (const [index, endpoint] of ["ep_a", "ep_b"].entries()) {
      const its = shares.filter((share) => share.endpoint === endpoint);
      const brought = its.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
      expect(brought).toEqual(order.map((ulid) => `dlv_${ulid}${index}`));
    }
  });

  it("begins a message anew once one is on its way", ({ expect }) => {
    const outbound = new Outbound("t");
    outbound.add(newEvents(3, 10, "ep_a"), new Map());
    const [first] = outbound.take();
    outbound.add(newEvents(2, 10, "ep_a"), new Map());
    expect(first && deliveriesOf(first)).toHaveLength(3);
    expect(outbound.take().map((message) => deliveriesOf(message).length)).toEqual([2]);
    expect(outbound.isEmpty).toBe(true);
  });

  it("is bounded in bytes: the log keeps the rest, and there is room again once it has gone", ({ expect }) => {
    const outbound = new Outbound("t", 50_000);
    const left = outbound.add(newEvents(20, 10_000, "ep_a"), new Map());
    const messages = drained(outbound);
    const held = sizes(messages, "ep_a").reduce((sum, count) => sum + count, 0);
    expect(held).toBe(4);
    expect(left).toBe(16);
    expect(JSON.stringify(messages).length).toBeLessThan(50_000);
    expect(outbound.add(newEvents(4, 10_000, "ep_a"), new Map())).toBe(0);
  });

  it("takes no more memory while the queue hangs, however much comes", async ({ expect }) => {
    const { queue, calls, through } = heldQueue();
    const announcer = new Announcer(() => queue, "t", new Outbound("t", 100_000));
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    for (const event of newEvents(200, 10_000, "ep_a")) announcer.announce([event], new Map());
    await until("a call", () => calls.length > 0);
    for (const event of newEvents(200, 10_000, "ep_a")) announcer.announce([event], new Map());
    const told = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as { step: string; deliveries: number });
    lines.mockRestore();
    const left = told.filter(({ step }) => step === "event.enqueue.left");
    await through(2);
    const sent = calls.flatMap(({ messages }) => messages.flatMap(deliveriesOf)).length;
    // Twice as much as may wait: what the first call took, and what came after it.
    expect(sent).toBe(18);
    expect(left.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(400 - sent);
  });
});

describe("an event is left to its caller", () => {
  const idle = () => {
    const answers: (() => void)[] = [];
    const queue = { sendBatch: () => new Promise<void>((resolve) => answers.push(resolve)) };
    return { announcer: new Announcer(() => queue as never, "t"), answers };
  };

  it("by a log that is idle, and not so soon after another", ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { announcer } = idle();
    const left = [0, 0, 9, 1, 10, 3, 10].map((ms) => {
      vi.setSystemTime(Date.now() + ms);
      return announcer.leaves();
    });
    vi.useRealTimers();
    expect(left).toEqual([true, false, false, true, true, false, true]);
  });

  it("not while messages are under way or wait", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { announcer, answers } = idle();
    announcer.announce(newEvents(1, 10, "ep_a"), new Map());
    vi.setSystemTime(Date.now() + 100);
    expect(announcer.leaves()).toBe(false);
    await until("the call", async () => answers.length === 1);
    vi.setSystemTime(Date.now() + 100);
    expect(announcer.leaves()).toBe(false);
    answers[0]?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
    vi.setSystemTime(Date.now() + 100);
    expect(announcer.leaves()).toBe(true);
    vi.useRealTimers();
  });
});
