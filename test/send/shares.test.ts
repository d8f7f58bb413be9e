import { describe, it } from "vitest";
import { Lanes, type Stream } from "../../src/send/invocation/lanes";

/** An endpoint's sends, each of which takes until it is told to end. */
class Sends implements Stream {
  underWay = 0;
  givenBack = 0;
  readonly #ends: (() => void)[] = [];

  constructor(
    public waiting: number,
    public expects = false,
  ) {}

  async send(): Promise<void> {
    this.waiting--;
    this.underWay++;
    await new Promise<void>((end) => this.#ends.push(end));
    this.underWay--;
  }

  giveBack(): void {
    this.givenBack += this.waiting;
    this.waiting = 0;
  }

  async end(): Promise<void> {
    this.#ends.shift()?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

function lanesOf(...streams: Sends[]): Lanes {
  const lanes = new Lanes();
  for (const stream of streams) lanes.add(stream);
  lanes.fill();
  return lanes;
}

describe("six lanes", () => {
  it("are all one endpoint's while nobody else waits", async ({ expect }) => {
    const one = new Sends(10);
    lanesOf(one);
    expect(one.underWay).toBe(6);
    await one.end();
    expect([one.underWay, one.waiting]).toEqual([6, 3]);
  });

  it("are three of one endpoint's while another has yet to answer, and all once it has nothing", ({ expect }) => {
    const [one, other] = [new Sends(10), new Sends(0, true)];
    const lanes = lanesOf(one, other);
    expect(one.underWay).toBe(3);
    other.expects = false;
    lanes.fill();
    expect(one.underWay).toBe(6);
  });

  it("are shared evenly by two that wait, and a third's first send has the next that comes free", async ({
    expect,
  }) => {
    const [one, other, third] = [new Sends(10), new Sends(10), new Sends(0)];
    lanesOf(one, other, third);
    expect([one.underWay, other.underWay]).toEqual([3, 3]);
    third.waiting = 1;
    await one.end();
    expect([one.underWay, other.underWay, third.underWay]).toEqual([2, 3, 1]);
  });

  it("are kept, one for each that has yet to answer: of many that hang each is found out", ({ expect }) => {
    const late = Array.from({ length: 5 }, () => new Sends(0, true));
    const one = new Sends(10);
    lanesOf(one, ...late);
    expect(one.underWay).toBe(1);
  });
});
