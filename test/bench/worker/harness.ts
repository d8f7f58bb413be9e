/**
 * Wraps the deployed bundle for the bench: counts what is billed, and gives the bench a way in. It is put around the
 * bundle when the bench starts it; what is deployed has nothing of it.
 * @module
 */

import { advance, rang, takeAlarm, takeClock } from "./clock.ts";
import {
  consumeCounted,
  countBindings,
  countExactly,
  counted,
  countLogs,
  countRequest,
  countsOf,
  outstandingMessages,
  peekCounts,
  StorageMeter,
  takeCounts,
} from "./counting.ts";

interface BenchEnv extends Record<string, unknown> {
  /** `"true"`: count. Timings are taken without. */
  BENCH_COUNTS?: string;
  /** `"true"`: the clock is the bench's. */
  BENCH_CLOCK?: string;
  /** The fewest shards that a day's log begins with. */
  BENCH_SHARDS?: string;
  DELIVERIES: Queue;
}

/** What the bench asks of an object. */
interface BenchObject {
  benchSql(statements: Statement[]): Promise<Record<string, SqlStorageValue>[][]>;
  benchAbort(): Promise<void>;
  benchAlarm(): Promise<void>;
}

interface Statement {
  sql: string;
  parameters?: (string | number | null)[];
}

interface ObjectInstance {
  ctx: DurableObjectState;
  alarm?(): Promise<void>;
}
type ObjectClass = (new (ctx: DurableObjectState, env: BenchEnv) => ObjectInstance) & { leastShards?: number };
type Method = (...parameters: unknown[]) => unknown;

const meters = new WeakMap<DurableObjectState, StorageMeter>();
/** Every object that is or was in memory, as `class name`. */
const objects = new Set<string>();

/** A class of the bundle with its calls, alarms, rows and active time counted, and with what the bench asks of it. */
export function wrapObject(className: string, Base: ObjectClass): ObjectClass {
  const Wrapped = class extends Base {
    constructor(ctx: DurableObjectState, env: BenchEnv) {
      const object = `${className} ${ctx.id.name}`;
      objects.add(object);
      if (env.BENCH_SHARDS !== undefined && "leastShards" in Base) Base.leastShards = Number(env.BENCH_SHARDS);
      if (env.BENCH_CLOCK === "true") takeAlarm(ctx.storage, object);
      if (env.BENCH_COUNTS === "true" || env.BENCH_CLOCK === "true") countBindings(env);
      if (env.BENCH_COUNTS === "true") {
        countsOf(className).constructed++;
        meters.set(ctx, new StorageMeter(className, ctx.storage));
      }
      super(ctx, env);
      meters.get(ctx)?.settle("constructor");
    }

    async benchSql(statements: Statement[]) {
      return statements.map(({ sql, parameters = [] }) => this.ctx.storage.sql.exec(sql, ...parameters).toArray());
    }

    async benchAbort() {
      this.ctx.abort("the bench evicts it");
    }

    async benchAlarm() {
      rang(`${className} ${this.ctx.id.name}`);
      await this.alarm?.();
    }
  };
  const methods = Wrapped.prototype as unknown as Record<string, Method>;
  for (const name of Object.getOwnPropertyNames(Base.prototype)) {
    const method = (Base.prototype as unknown as Record<string, Method>)[name];
    if (name === "constructor" || typeof method !== "function") continue;
    methods[name] = function (this: ObjectInstance, ...parameters) {
      const meter = meters.get(this.ctx);
      if (meter === undefined) return method.apply(this, parameters);
      if (name === "alarm") countsOf(className).alarms++;
      else countsOf(className).requests++;
      return meter.run(name, () => method.apply(this, parameters));
    };
  }
  return Wrapped;
}

interface Worker {
  fetch(request: Request, env: BenchEnv, ctx: ExecutionContext): Response | Promise<Response>;
  queue(batch: MessageBatch, env: BenchEnv, ctx: ExecutionContext): Promise<void>;
}

/** The bundle's Worker with its requests, batches, queues and logs counted, and the bench's own paths under `/bench/`. */
export function wrapWorker(worker: Worker, bindings: Record<string, string>): Worker {
  let ready = false;
  const isCounting = (env: BenchEnv) => env.BENCH_COUNTS === "true" || env.BENCH_CLOCK === "true";
  const prepare = (env: BenchEnv) => {
    if (isCounting(env)) countBindings(env);
    if (ready) return;
    ready = true;
    countLogs();
    if (env.BENCH_CLOCK === "true") takeClock();
    if (env.BENCH_COUNTS === "true") countExactly();
  };
  return {
    async fetch(request, env, ctx) {
      prepare(env);
      const [, verb] = request.url.split("/bench/");
      if (verb !== undefined) {
        return serveBench(verb, request, env, bindings).catch((error) => new Response(String(error), { status: 500 }));
      }
      countRequest();
      return worker.fetch(request, env, isCounting(env) ? counted(ctx) : ctx);
    },
    async queue(batch, env, ctx) {
      prepare(env);
      if (!isCounting(env)) return worker.queue(batch, env, ctx);
      await consumeCounted(batch, () => worker.queue(batch, env, ctx));
    },
  };
}

async function serveBench(
  verb: string,
  request: Request,
  env: BenchEnv,
  bindings: Record<string, string>,
): Promise<Response> {
  const room = (object: string): BenchObject => {
    const [className = "", name = ""] = object.split(" ");
    const namespace = env[bindings[className] ?? ""] as DurableObjectNamespace;
    return namespace.getByName(name) as unknown as BenchObject;
  };
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const body: any = await request.json();
  if (verb === "outstanding") return Response.json(outstandingMessages());
  if (verb === "counts") return Response.json(body.peek ? peekCounts() : takeCounts());
  if (verb === "d1") return Response.json(await (env.DB as D1Database).prepare(body.sql).run());
  if (verb === "advance") return Response.json((await advance(body.ms, (object) => room(object).benchAlarm())) ?? null);
  if (verb === "sql") return Response.json(await room(body.object).benchSql(body.statements));
  if (verb === "enqueue") {
    const messages = body.messages as unknown[];
    for (let i = 0; i < messages.length; i += 100) {
      await env.DELIVERIES.sendBatch(messages.slice(i, i + 100).map((message) => ({ body: message })));
    }
    return Response.json(null);
  }
  if (verb === "evict") {
    const evicted = [...objects];
    objects.clear();
    for (const object of evicted)
      await room(object)
        .benchAbort()
        .catch(() => undefined);
    return Response.json(null);
  }
  return new Response("no such verb", { status: 404 });
}
