import { afterEach, beforeEach, describe, it, vi } from "vitest";
import type { Delivery } from "../../src/contracts/event";
import { LANES } from "../../src/endpoint/policy/admission";
import { DAY, SECOND } from "../../src/lib/time";
import { SETTINGS } from "../endpoint/ledgers";
import { items, Played, references, rest, T0 } from "./rooms";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  vi.setSystemTime(T0);
});
afterEach(() => {
  vi.useRealTimers();
});

const SLOW_LANE = { lane: "slow", outlasts: false } as const;
/** Longer than any attempt may take before it is taken to hang, in ms. */
const HANGS = 1_001;

const ids = (of: readonly Delivery[]) => of.map(({ id }) => id);
const sorted = (of: Iterable<string>) => [...of].sort();
/** Whether a promise has resolved by now. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false;
  void promise.then(() => {
    over = true;
  });
  await rest();
  return over;
}

describe("a run of one endpoint", () => {
  it("sends all, tells the outcome of each once, and is settled then", async ({ expect }) => {
    const played = new Played();
    const own = items(60);
    const run = played.run(own);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    expect(sorted(played.begun)).toEqual(sorted(ids(own)));
    expect(sorted(played.room().told)).toEqual(sorted(ids(own)));
    expect(played.room().rows).toEqual([]);
  });

  it.for([
    ["succeed", null],
    ["fail", "status"],
  ] as const)("keeps all lanes taken while it has more to send, whose sends %s", async ([, error], { expect }) => {
    const played = new Played(SLOW_LANE);
    played.run(items(20));
    await rest();
    for (let i = 0; i < 20 - LANES; i++) {
      expect(played.underWay.size).toBe(LANES);
      await played.end([...played.underWay.keys()][0], error);
    }
    expect(played.most).toBe(LANES);
  });

  it("puts what has not begun back once its endpoint begins to fail, except where all do", async ({ expect }) => {
    const [normal, slow, open] = [new Played(), new Played(SLOW_LANE), new Played(SLOW_LANE)];
    for (const played of [normal, slow, open]) {
      played.run(items(20));
      await rest();
      played.room().slow = true;
      played.room().shut = played === open;
      await played.end(played.begun[0], "status");
    }
    expect(normal.room().rows).toHaveLength(20 - LANES);
    expect(slow.room().rows).toEqual([]);
    expect(open.room().rows).toHaveLength(20 - LANES);
    for (const played of [normal, slow, open]) await played.endAll();
    expect([normal, slow, open].map(({ begun }) => begun.length)).toEqual([LANES, 20, LANES]);
  });
});

describe("a person's test", () => {
  it("goes out though what comes with it is put back, unless no lane will come free", async ({ expect }) => {
    const [shut, blocked] = [new Played(SLOW_LANE), new Played()];
    for (const played of [shut, blocked]) {
      const own = items(LANES + 6);
      const tests = own.slice(-2).map((item) => ({ ...item, test: true }));
      played.room().atOnce = 25;
      played.run([...own.slice(0, -2), ...tests]);
      await rest();
      expect(played.underWay.size).toBe(LANES);
      if (played === blocked) {
        vi.advanceTimersByTime(HANGS);
        await rest();
        expect(played.begun).toHaveLength(LANES);
        expect(played.room().told).toHaveLength(6);
      } else {
        played.room().shut = true;
        await played.end(played.begun[0], "status");
        await played.endAll();
        expect(played.begun.slice(LANES)).toEqual(ids(tests));
        expect(played.room().told).toHaveLength(own.length);
      }
    }
  });
});

describe("an object that is out of reach", () => {
  it("while it is offered deliveries, sends their messages back and nothing out, and leaves others alone", async ({
    expect,
  }) => {
    const played = new Played();
    played.room("a").fails.admit = 1;
    const [a, b] = [played.run(items(40), "a"), played.run(items(3), "b")];
    await played.endAll();
    expect(await isOver(a.ended)).toBe(true);
    expect(await isOver(b.ended)).toBe(true);
    expect([...played.settled]).toEqual([
      ["a", false],
      ["b", true],
    ]);
    expect(played.begun).toHaveLength(3);
  });

  it("three times while an outcome is told, has the messages come back, and takes nothing on", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    const own = items(30);
    room.fails.record = 3;
    const run = played.run(own);
    await rest();
    const [first, ...others] = [...played.underWay.keys()];
    await played.end(first);
    expect(room.records).toHaveLength(3);
    // Its others are under way: they are told when they end, and the messages wait for them.
    expect(played.settled.size).toBe(0);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(false);
    expect(played.begun).toHaveLength(LANES);
    expect(
      sorted(room.records.slice(3).flatMap(({ outcomes }) => outcomes.map(({ delivery }) => delivery.id))),
    ).toEqual(sorted(others));
  });

  it("twice while an outcome is told, is told it the third time, and all goes on", async ({ expect }) => {
    const played = new Played();
    played.room().fails.record = 2;
    const own = items(20);
    const run = played.run(own);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    expect(played.begun).toHaveLength(20);
    // The call that failed had the same outcome, and the same deliveries as the next.
    const [one, two, three] = played.room().records;
    expect([two, three]).toEqual([one, one]);
    expect(new Set(played.room().told).size).toBe(20);
  });

  it("hands what was granted and has not begun back, once it is there again", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    room.atOnce = 25;
    const own = items(20);
    played.run(own);
    await rest();
    room.fails.record = 3;
    await played.end(played.begun[0], "status");
    const unsent = room.records.flatMap(({ outcomes }) => outcomes.filter(({ kind }) => kind === "unsent"));
    expect(unsent.map(({ delivery }) => delivery.id)).toEqual(ids(own).slice(LANES));
    await played.endAll();
    expect(played.begun).toHaveLength(LANES);
    expect(played.settled.get("ep")).toBe(false);
  });

  it("while a text is read: none is made, and the messages come back", async ({ expect }) => {
    const played = new Played();
    played.logFails = true;
    const run = played.run(references(3));
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(false);
    expect(played.room().told).toEqual([]);
    expect(played.reads).toEqual([3]);
  });
});

describe("an object that cannot decide", () => {
  it("is asked once, and the messages come back", async ({ expect }) => {
    const played = new Played();
    played.room().undecided = 100;
    const run = played.run(items(40));
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(false);
    expect([played.room().admits.length, played.room().records.length]).toEqual([1, 0]);
  });

  it("is not asked in circles while an attempt hangs", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    const run = played.run(items(20));
    await rest();
    room.undecided = 100;
    await vi.advanceTimersByTimeAsync(HANGS);
    await rest();
    expect(room.records).toHaveLength(1);
    expect(played.settled.get("ep")).toBe(false);
    expect(room.rows).toHaveLength(LANES);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.begun).toHaveLength(LANES);
  });

  it("is asked again by the next send that ends, while others are under way", async ({ expect }) => {
    const played = new Played(SLOW_LANE);
    const room = played.room();
    const run = played.run(items(20));
    await rest();
    room.undecided = 2;
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    expect(played.begun).toHaveLength(20);
  });
});

describe("successes", () => {
  it("are written down together while nothing waits for their slots: two calls for a batch of ten", async ({
    expect,
  }) => {
    const played = new Played();
    const room = played.room();
    room.atOnce = 10;
    const run = played.run(items(10));
    await rest();
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect([room.admits.length, room.records.map(({ outcomes }) => outcomes.length)]).toEqual([1, [10]]);
  });

  it("wait for each other for a tenth of a second at most", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    played.run(items(2));
    await rest();
    await played.end(played.begun[0]);
    expect(room.records).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(room.told).toEqual([played.begun[0]]);
  });

  it("are written down one by one while others of their endpoint wait for a slot", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    // Longer than they gather: none is taken to hang.
    room.pace = 200;
    room.claimable = items(3);
    played.run(items(LANES));
    await rest();
    const endOne = async () => {
      await played.end([...played.underWay.keys()][0]);
      return room.records.length;
    };
    // Nobody has told it yet that others wait.
    expect(await endOne()).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    await rest();
    expect([await endOne(), await endOne()]).toEqual([2, 3]);
    expect(room.claimable).toEqual([]);
    // The last one that waited is under way: the answer to this one says so.
    expect([await endOne(), await endOne()]).toEqual([4, 4]);
  });
});

describe("what waits at an endpoint", () => {
  it("shares the lanes with what the messages bring, and is sent too", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    const [own, waiting] = [items(20), items(20)];
    room.claimable = [...waiting];
    const run = played.run(own);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.most).toBe(LANES);
    expect(sorted(played.begun)).toEqual(sorted(ids([...own, ...waiting])));
    expect(sorted(room.told)).toEqual(sorted(played.begun));
    expect(room.rows).toEqual([]);
  });

  it("takes three lanes while another endpoint's wait, and all when they are through", async ({ expect }) => {
    const played = new Played();
    played.room("a").claimable = items(20);
    const own = items(12);
    played.run(items(3), "a");
    played.run(own, "b");
    await rest();
    const others = () => [...played.underWay.keys()].filter((id) => !ids(own).includes(id));
    while (played.underWay.size > 0) {
      const left = own.length - played.begun.filter((id) => ids(own).includes(id)).length;
      if (left > 0) expect(others().length).toBeLessThanOrEqual(LANES / 2);
      await played.end([...played.underWay.keys()][0]);
    }
    expect(played.begun).toHaveLength(3 + 20 + 12);
    expect(played.most).toBe(LANES);
  });

  it("does not hold the batch: its rows own it", async ({ expect }) => {
    const played = new Played();
    const [waiting] = items(1) as [Delivery];
    played.room().claimable = [waiting];
    const run = played.run(items(1));
    await rest();
    await played.end(played.begun[0]);
    expect([...played.underWay.keys()]).toEqual([waiting.id]);
    expect(await isOver(run.settled)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    expect(await isOver(run.ended)).toBe(false);
    await played.end(waiting.id);
    expect(await isOver(run.ended)).toBe(true);
    expect(played.room().told).toHaveLength(2);
  });

  it.for([
    ["of an endpoint whose attempts may take longer than what goes on after a batch, until it hangs", 13, {}, true],
    ["in the slow lane", 10, SLOW_LANE, false],
  ] as const)("holds the batch %s", async ([, timeout, shape, left], { expect }) => {
    const played = new Played(shape);
    const room = played.room();
    room.settings = { ...SETTINGS, timeout };
    room.claimable = items(1);
    const run = played.run(items(1));
    await rest();
    await played.end(played.begun[0]);
    expect(await isOver(run.settled)).toBe(false);
    await vi.advanceTimersByTimeAsync(HANGS);
    // By then it has begun: what it has left fits into what is given to it after the batch.
    expect(await isOver(run.settled)).toBe(left);
    await played.end(played.begun[1]);
    expect(await isOver(run.settled)).toBe(true);
    expect(await isOver(run.ended)).toBe(true);
  });

  it("is left alone by an invocation that does not go on", async ({ expect }) => {
    const played = new Played({ outlasts: false });
    played.room().claimable = items(5);
    const run = played.run(items(1));
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.begun).toHaveLength(1);
    expect(played.room().records.map(({ next }) => next)).toEqual([undefined]);
  });
});

describe("attempts that hang", () => {
  it("are told of together, hold the batch no longer, and are recorded once when they end", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    const own = items(20);
    const run = played.run(own);
    await rest();
    await vi.advanceTimersByTimeAsync(HANGS);
    expect(room.lags.map(({ length }) => length)).toEqual([LANES]);
    expect(await isOver(run.settled)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    // What hangs has rows, and what has not begun as well.
    expect(sorted(room.rows)).toEqual(sorted(ids(own)));
    expect(await isOver(run.ended)).toBe(false);
    for (const id of played.begun) await played.end(id, "timeout");
    expect(await isOver(run.ended)).toBe(true);
    expect(sorted(room.told)).toEqual(sorted(played.begun));
    expect(played.begun).toHaveLength(LANES);
  });

  it("are those that are under way still: who has ended leaves no timer", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    const run = played.run(items(2));
    await rest();
    await played.end(played.begun[0]);
    await vi.advanceTimersByTimeAsync(HANGS);
    expect(room.lags.map((lag) => lag.map(({ delivery }) => delivery.id))).toEqual([[played.begun[1]]]);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("hold the batch when their rows could not be made", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    room.fails.lag = 1;
    const run = played.run(items(2));
    await rest();
    await vi.advanceTimersByTimeAsync(HANGS);
    expect(room.lags).toHaveLength(1);
    expect(await isOver(run.settled)).toBe(false);
    for (const id of played.begun) await played.end(id, "timeout");
    expect(played.settled.get("ep")).toBe(true);
    expect(sorted(room.told)).toEqual(sorted(played.begun));
    expect(await isOver(run.ended)).toBe(true);
  });

  it("leave their lanes to nobody, and have what others were granted handed back once all are blocked", async ({
    expect,
  }) => {
    const played = new Played();
    const runs = Array.from({ length: LANES + 2 }, (_, i) => played.run(items(2), `ep${i}`));
    await rest();
    expect(played.begun).toHaveLength(LANES);
    await vi.advanceTimersByTimeAsync(HANGS);
    await rest();
    expect(played.begun).toHaveLength(LANES);
    for (const run of runs) expect(await isOver(run.settled)).toBe(true);
    const unsent = [...played.rooms.values()].flatMap(({ records }) => records.flatMap(({ outcomes }) => outcomes));
    expect(unsent.map(({ kind }) => kind)).toEqual(Array(LANES + 4).fill("unsent"));
    for (const id of played.begun) await played.end(id, "timeout");
    for (const run of runs) expect(await isOver(run.ended)).toBe(true);
  });

  it("are waited for after longer while attempts of their endpoint take longer", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    room.pace = 400;
    played.run(items(1));
    await rest();
    await vi.advanceTimersByTimeAsync(790);
    expect(room.lags).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(room.lags).toHaveLength(1);
  });

  it("are everybody's in the slow lane: nobody is told", async ({ expect }) => {
    const played = new Played(SLOW_LANE);
    played.run(items(10));
    await rest();
    await vi.advanceTimersByTimeAsync(10 * HANGS);
    expect(played.room().lags).toEqual([]);
    expect(played.room().rows).toEqual([]);
  });
});

describe("texts by reference", () => {
  it("are read for those that are sent next as well, at most six at a time, each once", async ({ expect }) => {
    const played = new Played();
    played.room().atOnce = 25;
    const own = references(20);
    played.run(own);
    await played.endAll();
    expect(played.begun).toEqual(ids(own));
    expect(Math.max(...played.reads)).toBe(LANES);
    expect(played.reads.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect(played.reads.length).toBe(Math.ceil(20 / LANES));
    for (const { id } of own) expect(played.texts.get(id)?.data).toBe(JSON.stringify(id.slice(4, 30)));
  });

  it("are read from the log that each lies in", async ({ expect }) => {
    const played = new Played();
    played.room().atOnce = 25;
    const own = [...references(2), ...references(2, T0 - DAY), ...items(2)];
    played.run(own);
    await played.endAll();
    expect(played.reads).toEqual([2, 2]);
    expect(played.texts.size).toBe(6);
  });

  it("that were read for nobody, and in vain, are nobody's error", async ({ expect }) => {
    const played = new Played();
    played.room().atOnce = 25;
    played.logFails = true;
    let answer = () => {};
    played.logAnswers = new Promise((resolve) => {
      answer = resolve;
    });
    // The sixth asks for the texts of those that follow, whom the failure puts back before they begin.
    const run = played.run([...items(LANES - 1), ...references(4)]);
    await rest();
    played.room().shut = true;
    await played.end(played.begun[0], "status");
    answer();
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(false);
    expect(played.reads).toEqual([4]);
    expect(played.begun).toHaveLength(LANES);
  });
});

describe("an invocation's age", () => {
  it("puts nothing into rows until it is over, and then everything that has not begun", async ({ expect }) => {
    const played = new Played(SLOW_LANE);
    const room = played.room();
    const own = items(300);
    const run = played.run(own);
    await rest();
    for (let i = 0; i < 10; i++) await played.end([...played.underWay.keys()][0]);
    expect(room.rows).toEqual([]);
    const begun = played.begun.length;
    vi.setSystemTime(T0 + 15 * SECOND);
    room.claimable = items(5);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.settled.get("ep")).toBe(true);
    expect(played.begun).toHaveLength(begun);
    expect(sorted(room.rows)).toEqual(sorted(ids(own).filter((id) => !played.begun.includes(id))));
  });

  it("ends what it does for others too", async ({ expect }) => {
    const played = new Played();
    const room = played.room();
    room.claimable = items(500);
    const run = played.run(items(1));
    await rest();
    for (let i = 0; i < 50; i++) await played.end([...played.underWay.keys()][0]);
    vi.setSystemTime(T0 + 15 * SECOND);
    const { length } = played.begun;
    expect(length).toBeGreaterThan(50);
    await played.endAll();
    expect(await isOver(run.ended)).toBe(true);
    expect(played.begun).toHaveLength(length);
  });
});
