import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../../src/contracts/event";
import type { Versions } from "../../src/contracts/event-log";
import { type DeliveryMessage, INLINE_DATA_BYTES, MESSAGE_BYTES, parseMessage } from "../../src/contracts/messages";
import { Announcer } from "../../src/event-log/announce";
import { Outbound } from "../../src/event-log/outbound";
import { utf8 } from "../../src/lib/crypto";
import { deliveryId } from "../../src/lib/ids";
import { holds } from "../lib/property";
import { until } from "../lib/until";

let serial = 0;

function newEvent(data: string, ...endpoints: string[]): StoredEvent {
  return {
    ulid: `01JD0000000000000000${String(serial++).padStart(6, "0")}`,
    event: "e",
    timestamp: 1_795_000_000_000,
    payloadId: "evt_x",
    data,
    matches: endpoints.map((endpoint) => ({ endpoint })),
  };
}

const newEvents = (count: number, bytes: number, ...endpoints: string[]) =>
  Array.from({ length: count }, () => newEvent(JSON.stringify("é".repeat(bytes / 2)), ...endpoints));

/** All that waits, in its order. */
function drained(outbound: Outbound): DeliveryMessage[] {
  const messages: DeliveryMessage[] = [];
  for (let batch = outbound.take(); batch.length > 0; batch = outbound.take()) messages.push(...batch);
  return messages;
}

function messagesOf(events: readonly StoredEvent[], versions: Versions = new Map()): DeliveryMessage[] {
  const outbound = new Outbound("t");
  outbound.add(events, versions);
  return drained(outbound);
}

const sizes = (messages: readonly DeliveryMessage[], endpoint: string) =>
  messages.filter((message) => message.endpoint === endpoint).map(({ deliveries }) => deliveries.length);

describe("messages", () => {
  it("carry the text up to 60 KB and a reference beyond", ({ expect }) => {
    const small = messagesOf([newEvent(`"${"x".repeat(INLINE_DATA_BYTES - 2)}"`, "ep_a")], new Map([["ep_a", 3]]));
    expect(small[0]?.deliveries[0]?.text?.data).toHaveLength(INLINE_DATA_BYTES);
    expect(small[0]?.version).toBe(3);
    const large = messagesOf([newEvent(`"${"x".repeat(INLINE_DATA_BYTES)}"`, "ep_a")]);
    expect(large[0]?.deliveries[0]?.text).toBeUndefined();
    for (const message of [...small, ...large]) expect(parseMessage(message)).toEqual(message);
  });

  it("are one per endpoint for events accepted together, as long as they are not too large", ({ expect }) => {
    const small = messagesOf(newEvents(100, 10, "ep_a", "ep_b"));
    const long = messagesOf(newEvents(101, 10, "ep_a", "ep_b"));
    const large = messagesOf(newEvents(10, 30_000, "ep_a", "ep_b"));
    for (const endpoint of ["ep_a", "ep_b"]) {
      expect(sizes(small, endpoint)).toEqual([100]);
      expect(sizes(long, endpoint)).toEqual([100, 1]);
      expect(sizes(large, endpoint)).toEqual([3, 3, 3, 1]);
    }
    for (const message of [...small, ...long, ...large]) {
      expect(parseMessage(message)).toEqual(message);
      expect(new TextEncoder().encode(JSON.stringify(message)).byteLength).toBeLessThanOrEqual(MESSAGE_BYTES);
      expect(message.deliveries.every(({ text }) => text !== undefined)).toBe(true);
    }
  });

  it("of nobody's making are known as such", ({ expect }) => {
    for (const body of [
      null,
      1,
      "x",
      {},
      { tenant: "t", endpoint: "e", version: 1, deliveries: [{ id: "x", event: "e" }] },
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

  function callsOf(events: readonly StoredEvent[]): { messages: DeliveryMessage[]; sizes: number[] }[] {
    const outbound = new Outbound("t");
    expect(outbound.add(events, new Map())).toBe(0);
    const calls: { messages: DeliveryMessage[]; sizes: number[] }[] = [];
    for (let messages = outbound.take(); messages.length > 0; messages = outbound.take()) {
      const sizes = messages.map((message) => utf8(JSON.stringify(message)).byteLength + METADATA);
      calls.push({ messages, sizes });
    }
    return calls;
  }
  const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0);

  it("brings no more bytes than it takes, and no fewer than go into it", () => {
    // Of one event for twenty endpoints each message has 58 KB: four go into a call.
    const calls = callsOf(newEvents(1, 58_000, ...Array.from({ length: 20 }, (_, i) => `ep_${i}`)));
    expect(calls.map(({ messages }) => messages.length)).toEqual(Array(5).fill(4));
    for (const { sizes } of calls) expect(sum(sizes)).toBeLessThanOrEqual(MOST_BYTES);
  });

  it("brings no more messages than it takes", () => {
    const calls = callsOf(newEvents(1, 10, ...Array.from({ length: 250 }, (_, i) => `ep_${i}`)));
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
        const brought = calls.flatMap(({ messages }) => messages.flatMap(({ deliveries }) => deliveries));
        const owed = events.flatMap(({ ulid, matches }) => matches.map((_, index) => deliveryId(ulid, index)));
        expect(brought.map(({ id }) => id).toSorted()).toEqual(owed.toSorted());
      }),
      30,
    );
  });
});

/** A queue that keeps what is sent, each call held until it is let go. */
function heldQueue() {
  const calls: { messages: DeliveryMessage[]; end: () => void }[] = [];
  const sendBatch = (batch: Iterable<{ body: DeliveryMessage }>) =>
    new Promise<void>((end) => calls.push({ messages: structuredClone([...batch].map(({ body }) => body)), end }));
  const ended = new Set<object>();
  return {
    queue: { sendBatch } as unknown as Queue<DeliveryMessage>,
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
  it("goes in one message per endpoint, whichever requests brought it, with the newest version", async ({ expect }) => {
    const { queue, calls, through } = heldQueue();
    const announcer = new Announcer(queue, "t");
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
    expect(messages.map(({ endpoint, version }) => [endpoint, version])).toEqual([
      ["ep_a", 7],
      ["ep_b", 2],
    ]);
    const order = events.map(({ ulid }) => ulid);
    for (const [index, message] of messages.entries()) {
      expect(message.deliveries.map(({ id }) => id)).toEqual(order.map((ulid) => `dlv_${ulid}${index}`));
    }
  });

  it("begins a message anew once one is on its way", ({ expect }) => {
    const outbound = new Outbound("t");
    outbound.add(newEvents(3, 10, "ep_a"), new Map());
    const [first] = outbound.take();
    outbound.add(newEvents(2, 10, "ep_a"), new Map());
    expect(first?.deliveries).toHaveLength(3);
    expect(outbound.take().map(({ deliveries }) => deliveries.length)).toEqual([2]);
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
    const announcer = new Announcer(queue, "t", new Outbound("t", 100_000));
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    for (const event of newEvents(200, 10_000, "ep_a")) announcer.announce([event], new Map());
    await until("a call", () => calls.length > 0);
    for (const event of newEvents(200, 10_000, "ep_a")) announcer.announce([event], new Map());
    const told = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as { step: string; deliveries: number });
    lines.mockRestore();
    const left = told.filter(({ step }) => step === "event.enqueue.left");
    await through(2);
    const sent = calls.flatMap(({ messages }) => messages.flatMap(({ deliveries }) => deliveries)).length;
    // Twice as much as may wait: what the first call took, and what came after it.
    expect(sent).toBe(18);
    expect(left.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(400 - sent);
  });
});
