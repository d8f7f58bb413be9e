import { describe, it } from "vitest";
import { Lanes, type Stream } from "../../src/send/invocation/lanes";

/** Sends of one endpoint that take until they are told to end. */
class Sends implements Stream {
  expects = false;
  back = 0;
  begun = 0;
  readonly #ends: (() => void)[] = [];

  constructor(
    public waiting: number,
    readonly onBegin: () => void = () => undefined,
  ) {}

  send(): Promise<void> {
    this.waiting--;
    this.begun++;
    this.onBegin();
    return new Promise((resolve) => this.#ends.push(resolve));
  }

  giveBack(): void {
    this.back += this.waiting;
    this.waiting = 0;
  }

  get underWay(): number {
    return this.#ends.length;
  }

  /** The oldest ends. */
  async end(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function lanesOf(...streams: Sends[]): Lanes {
  const lanes = new Lanes();
  for (const stream of streams) lanes.add(stream);
  lanes.fill();
  return lanes;
}

describe("the lanes of an invocation", () => {
  it("find each of many endpoints that hang out by its first attempt before they make a second", ({ expect }) => {
    const order: number[] = [];
    const streams = Array.from({ length: 10 }, (_, i) => new Sends(10, () => order.push(i)));
    lanesOf(...streams);
    expect(new Set(order).size).toBe(6);
  });

  it("take no more than six at once, and three of one endpoint while others wait", async ({ expect }) => {
    const [a, b] = [new Sends(12), new Sends(30)];
    lanesOf(a, b);
    for (let i = 0; i < 12; i++) {
      expect([a.underWay, b.underWay]).toEqual([3, 3]);
      if (a.waiting === 0) break;
      await a.end();
    }
    while (a.underWay > 0) await a.end();
    expect([a.begun, b.underWay]).toEqual([12, 6]);
  });

  it("keep half of themselves for endpoints that have not answered yet", ({ expect }) => {
    const [a, b] = [new Sends(12), new Sends(0)];
    b.expects = true;
    const lanes = lanesOf(a, b);
    expect(a.underWay).toBe(3);
    b.expects = false;
    lanes.fill();
    expect(a.underWay).toBe(6);
  });

  it("find each out as well whose endpoints answer one after the other", ({ expect }) => {
    const streams = Array.from({ length: 10 }, () => new Sends(0));
    for (const stream of streams) stream.expects = true;
    const lanes = lanesOf(...streams);
    for (const stream of streams) {
      stream.expects = false;
      stream.waiting = 10;
      lanes.fill();
    }
    expect(streams.map(({ underWay }) => underWay)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it("keep no more than one for an endpoint that does not answer", async ({ expect }) => {
    const [a, b, c] = [new Sends(12), new Sends(12), new Sends(0)];
    c.expects = true;
    lanesOf(a, b, c);
    expect(a.underWay + b.underWay).toBe(5);
    while (a.underWay > 0) await a.end();
    while (b.underWay > 0) await b.end();
    expect([a.begun, b.begun]).toEqual([12, 12]);
  });

  it("give back what has not begun once every lane is blocked, and take nothing on until one comes free", async ({
    expect,
  }) => {
    const streams = Array.from({ length: 8 }, () => new Sends(2));
    const lanes = lanesOf(...streams);
    const unblock = Array.from({ length: 6 }, () => lanes.block());
    expect(lanes.blocked).toBe(true);
    expect(streams.map(({ back }) => back)).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
    unblock[0]?.();
    expect(lanes.blocked).toBe(false);
  });
});
