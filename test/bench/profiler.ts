/**
 * The CPU time of a Worker, by V8's sampling profiler.
 * @module
 */

import type { Instance } from "./instance.ts";

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
}

/** What V8 answers: which function was running at each sample, and how long it was until the next, in µs. */
export interface Profile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

/** Samples that are no work of the Worker: nothing ran, or the runtime itself. */
const NOT_OURS = ["(idle)", "(program)", "(root)"];

/** The ms in which JavaScript, or what it called, was running. Pure. */
export function cpuMsOf({ nodes, samples, timeDeltas }: Profile): number {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  let us = 0;
  for (const [i, sample] of samples.entries()) {
    if (!NOT_OURS.includes(names.get(sample) ?? "(program)")) us += timeDeltas[i] ?? 0;
  }
  return us / 1_000;
}

/** Runs `work` while V8 samples what the Worker does. */
export async function profiled(instance: Instance, work: () => Promise<void>): Promise<Profile> {
  const session = await Session.open(await instance.inspector());
  try {
    await session.call("Profiler.enable");
    await session.call("Profiler.setSamplingInterval", { interval: 200 });
    await session.call("Profiler.start");
    await work();
    const { profile } = await session.call<{ profile: Profile }>("Profiler.stop");
    return profile;
  } finally {
    session.close();
  }
}

/** A session of the inspector protocol. */
class Session {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (answer: { result: unknown; error?: { message: string } }) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const answer = JSON.parse(String(data));
      this.#answers.get(answer.id)?.(answer);
      this.#answers.delete(answer.id);
    });
  }

  static async open(url: URL): Promise<Session> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("the inspector cannot be reached")));
    });
    return new Session(socket);
  }

  async call<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#calls;
    const answered = new Promise<{ result: unknown; error?: { message: string } }>((resolve) =>
      this.#answers.set(id, resolve),
    );
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }

  close(): void {
    this.#socket.close();
  }
}
