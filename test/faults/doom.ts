import type { Env } from "../../src/contracts/env";

/**
 * What befalls one invocation of the Worker at one of its steps, a step being a call of a binding, by itself or by the
 * event log that it writes to: it is killed before the call is made, or after it was made and before its answer comes; or
 * the call fails without effect, or with it.
 */
export type Fate = "killed before" | "killed after" | "fails before" | "fails after";
export const FATES: readonly Fate[] = ["killed before", "killed after", "fails before", "fails after"];

/** Where it happens; `step` counts from 0. */
export interface Fault {
  step: number;
  fate: Fate;
}

type Calls = Record<string, (...args: unknown[]) => unknown>;

const NEVER = new Promise<never>(() => {});

/** Counts the steps of an invocation, and lets its fault happen. */
export class Doom {
  steps = 0;
  /** What was called, in order. */
  readonly called: string[] = [];
  /** Whether the invocation is killed: from then on nothing that it does has an effect. */
  dead = false;
  /** Whether the event log is killed with it, between writing and sending. */
  #logDies = false;
  readonly death: Promise<"killed">;
  #die!: () => void;
  readonly #fault: Fault | null;

  constructor(fault: Fault | null) {
    this.#fault = fault;
    this.death = new Promise((resolve) => {
      this.#die = () => resolve("killed");
    });
  }

  /** Runs the invocation up to its end or its death. */
  async run<T>(invocation: Promise<T>): Promise<T | "killed"> {
    return Promise.race([invocation, this.death]);
  }

  /** The bindings as this invocation has them. */
  bindings(env: Env): Env {
    const rooms = (name: string, namespace: { getByName(name: string): object }) => ({
      getByName: (id: string) => this.#watch(name, namespace.getByName(id)),
    });
    return {
      ...env,
      DB: this.#database(env.DB),
      ENDPOINT: rooms("Endpoint", env.ENDPOINT as never) as never,
      EVENT_LOG: rooms("EventLog", env.EVENT_LOG as never) as never,
      DELIVERIES: this.#watch("queue", env.DELIVERIES),
      DELIVERIES_SLOW: this.#watch("slow queue", env.DELIVERIES_SLOW),
      DELIVERIES_DEAD: this.#watch("dead queue", env.DELIVERIES_DEAD),
    };
  }

  /**
   * What an event log does for the invocation, beside its answer, as a step of it: a death in it is the log's too, while
   * the invocation's own leaves the log alone.
   */
  async logStep<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (this.dead && !this.#logDies) return call();
    this.#logDies ||= this.#fault?.step === this.steps && this.#fault.fate.startsWith("killed");
    const step = this.#step(what, call);
    if (!this.#logDies) return step;
    await Promise.race([step, this.death]);
    // Of what it had in memory nothing is sent any more. It ends here, since the next object of its name is itself.
    throw new Error("the log is dead");
  }

  async #step<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (this.dead) return NEVER;
    this.called.push(what);
    const fate = this.#fault?.step === this.steps++ ? this.#fault.fate : null;
    if (fate === "killed before") return this.#kill();
    if (fate === "fails before") throw failure(what);
    const [made] = await Promise.allSettled([(async () => call())()]);
    // Whoever is dead does not hear how it went.
    if (fate === "killed after") return this.#kill();
    if (this.dead) return NEVER;
    if (fate === "fails after") throw failure(what);
    if (made.status === "rejected") throw made.reason;
    return made.value;
  }

  #kill(): Promise<never> {
    this.dead = true;
    this.#die();
    return NEVER;
  }

  /** A binding each of whose calls is a step. */
  #watch<T extends object>(name: string, binding: T): T {
    return new Proxy(binding, {
      get: (target, method) => {
        const call = Reflect.get(target, method) as unknown;
        if (typeof call !== "function" || typeof method !== "string") return call;
        return (...args: unknown[]) =>
          // By its name on its own object: what a stub gives out as a method has no `apply`.
          this.#step(`${name}.${method}`, () => (target as Calls)[method]?.(...args) as Promise<unknown>);
      },
    });
  }

  /** D1: a step is what asks the database, not what prepares a statement. */
  #database(db: D1Database): D1Database {
    const inner = new Map<object, D1PreparedStatement>();
    const watched = (statement: D1PreparedStatement): D1PreparedStatement => {
      const proxy = new Proxy(statement, {
        get: (target, method) => {
          if (method === "bind") return (...values: unknown[]) => watched(target.bind(...values));
          const call = Reflect.get(target, method) as unknown;
          if (typeof call !== "function") return call;
          return (...args: unknown[]) =>
            this.#step(`D1.${String(method)}`, () =>
              (call as (...args: unknown[]) => Promise<unknown>).apply(target, args),
            );
        },
      });
      inner.set(proxy, statement);
      return proxy;
    };
    return {
      prepare: (text: string) => watched(db.prepare(text)),
      batch: (statements: D1PreparedStatement[]) =>
        this.#step("D1.batch", () => db.batch(statements.map((one) => inner.get(one) ?? one))),
    } as unknown as D1Database;
  }
}

/** As the platform fails: something that may be tried again. */
function failure(what: string): Error {
  const message = what.startsWith("D1") ? "D1_ERROR: out of reach" : `${what} is out of reach`;
  return Object.assign(new Error(message), { retryable: true });
}
