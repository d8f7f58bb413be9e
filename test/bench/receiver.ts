import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Arrivals, Question } from "./receiver-thread.ts";

/** How long to wait for deliveries, in ms, while none arrives. */
const PATIENCE = 30_000;

/** A receiver on loopback, in a thread of its own. */
export class Receiver {
  readonly #thread: Worker;
  readonly url: string;
  #asked: Promise<unknown> = Promise.resolve();

  private constructor(thread: Worker, port: number) {
    this.#thread = thread;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Receiver> {
    const thread = new Worker(new URL("receiver-thread.ts", import.meta.url));
    const [port] = (await once(thread, "message")) as [number];
    return new Receiver(thread, port);
  }

  /** How many requests there were at a path. */
  async count(path: string): Promise<number> {
    return (await this.#counts(path)).requests;
  }

  /** How many of the events that say when they were sent have arrived at a path. */
  async countTimed(path: string): Promise<number> {
    return (await this.#counts(path)).events;
  }

  /** What arrived at a path; it is forgotten. */
  async take(path: string): Promise<Arrivals> {
    return (await this.#ask({ path, forget: true })) as Arrivals;
  }

  /** Waits until that many requests were at the path; throws when none comes any more. */
  async until(path: string, requests: number): Promise<void> {
    let arrived = 0;
    let last = Date.now();
    for (;;) {
      const now = await this.count(path);
      if (now >= requests) return;
      if (now > arrived) last = Date.now();
      arrived = now;
      if (Date.now() - last > PATIENCE) throw new Error(`${arrived} of ${requests} requests arrived at ${path}`);
      await sleep(20);
    }
  }

  /** A path that was down is up again. */
  async recovers(path: string): Promise<void> {
    await this.#ask({ path, up: true });
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }

  async #counts(path: string): Promise<{ requests: number; events: number }> {
    return (await this.#ask({ path })) as { requests: number; events: number };
  }

  /** One question at a time: answers carry no name. */
  #ask(question: Question): Promise<unknown> {
    this.#asked = this.#asked.then(async () => {
      this.#thread.postMessage(question);
      return (await once(this.#thread, "message"))[0];
    });
    return this.#asked;
  }
}
