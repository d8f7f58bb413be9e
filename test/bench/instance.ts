/**
 * Workers in Miniflare, with the values of wrangler.toml, reached directly at the Worker's own socket.
 * @module
 */

import { readdir, readFile } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import type { V4WorkerOptions } from "miniflare";
import type { Counts } from "./counts.ts";
import { cpuOf, runtimes } from "./processes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);
const { unstable_getMiniflareWorkerOptions: optionsOf } = require("wrangler") as typeof import("wrangler");
// wrangler brings the one it was made for.
const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = createRequire(require.resolve("wrangler"))(
  "miniflare",
) as typeof import("miniflare");

/**
 * The project's configuration, by the link that lies where no secrets do: wrangler takes `.dev.vars` and `.env` from the
 * directory of the file that it is given, and those are the developer's.
 */
const CONFIGURATION = `${ROOT}test/wrangler.toml`;

/** What Miniflare calls the Worker. */
const NAME = "worker";

export const OPERATOR_KEY = "operator-key-of-the-bench";

/** How an instance of Posthorn is run. */
export interface Mode {
  /** Count what is billed. */
  counts?: boolean;
  /** The clock is the bench's. */
  clock?: boolean;
  /** Without consumers, messages go nowhere: accepting alone is measured. */
  consumers?: boolean;
  /** Open to the profiler, which costs some speed. */
  inspector?: boolean;
  /** Over those of wrangler.toml. */
  variables?: Record<string, string>;
}

type Options = V4WorkerOptions & Record<string, unknown>;

/** A running Worker. */
export class Instance {
  readonly #miniflare: InstanceType<typeof Miniflare>;
  readonly url: string;
  /** The runtime's process. */
  readonly #pid: number | null;

  private constructor(miniflare: InstanceType<typeof Miniflare>, url: string, pid: number | null) {
    this.#miniflare = miniflare;
    this.url = url;
    this.#pid = pid;
  }

  /** The deployed bundle, in the bench's wrapping. */
  static async posthorn(
    bundle: string,
    { counts, clock, inspector, consumers = true, variables = {} }: Mode,
  ): Promise<Instance> {
    const { modulesRules: _, ...options } = workerOptions();
    const classes = Object.fromEntries(
      Object.entries(options.durableObjects ?? {}).map(([binding, object]) => [
        (object as { className: string }).className,
        binding,
      ]),
    );
    const main = `import worker, * as bundle from "./index.js";
      import { wrapObject, wrapWorker } from "./harness.js";
      export default wrapWorker(worker, ${JSON.stringify(classes)});
      ${Object.keys(classes)
        .map((name) => `export const ${name} = wrapObject("${name}", bundle.${name});`)
        .join("\n")}
      export const { Retries } = bundle;`;
    const worker = {
      ...options,
      modules: [esModule("main.js", main), esModule("index.js", bundle), ...(await harness())],
      bindings: {
        ...options.bindings,
        OPERATOR_KEY,
        SECRETS_KEY: "secrets-key-of-the-bench",
        ALLOW_INSECURE_ENDPOINTS: "true",
        ...(counts ? { BENCH_COUNTS: "true" } : {}),
        ...(clock ? { BENCH_CLOCK: "true" } : {}),
        ...variables,
      },
      ...(consumers ? {} : { queueConsumers: {} }),
    } as Options;
    const instance = await Instance.#start(worker, inspector);
    await instance.#migrate();
    return instance;
  }

  /** A Worker with nothing but the queue, at the same values. */
  static floor(bundle: string, { consumers = true }: Mode): Promise<Instance> {
    const { compatibilityDate, compatibilityFlags, queueProducers, queueConsumers } = workerOptions();
    return Instance.#start({
      compatibilityDate,
      compatibilityFlags,
      modules: [esModule("index.js", bundle)],
      queueProducers,
      ...(consumers ? { queueConsumers } : {}),
    } as Options);
  }

  /** A Worker that needs nothing. */
  static bare(bundle: string): Promise<Instance> {
    const { compatibilityDate } = workerOptions();
    return Instance.#start({ compatibilityDate, modules: [esModule("index.js", bundle)] } as Options);
  }

  static async #start(worker: Options, inspector = false): Promise<Instance> {
    const before = await runtimes();
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: () => undefined,
        workers: [{ name: NAME, ...worker, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] }],
        ...(inspector ? { inspectorPort: 0 } : {}),
      } as Parameters<typeof convertV4MiniflareOptions>[0]),
    );
    await miniflare.ready;
    const pid = (await runtimes()).find((process) => !before.includes(process)) ?? null;
    return new Instance(miniflare, (await miniflare.unsafeGetDirectURL()).origin, pid);
  }

  async #migrate(): Promise<void> {
    const database = await this.#miniflare.getD1Database("DB");
    for (const file of (await readdir(`${ROOT}migrations`)).filter((name) => name.endsWith(".sql")).sort()) {
      const text = await readFile(`${ROOT}migrations/${file}`, "utf8");
      for (const statement of text.split("--> statement-breakpoint")) await database.prepare(statement).run();
    }
  }

  /** Calls the API; throws when the answer is not 2xx. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  async api(method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${OPERATOR_KEY}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** Asks the bench's wrapping. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  async bench(verb: string, body: object = {}): Promise<any> {
    const response = await fetch(`${this.url}/bench/${verb}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`bench ${verb}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** What was counted since the last time. */
  counts(): Promise<Counts> {
    return this.bench("counts");
  }

  /** What was counted so far; counting goes on. */
  peek(): Promise<Counts> {
    return this.bench("counts", { peek: true });
  }

  /** CPU that the runtime's process has used so far, in ms; `NaN` where the system does not tell. */
  async cpuMs(): Promise<number> {
    return this.#pid === null ? Number.NaN : cpuOf(this.#pid);
  }

  /** Where the Worker's inspector listens. */
  async inspector(): Promise<URL> {
    return new URL(`/core:user:${NAME}`, await this.#miniflare.getInspectorURL());
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

function workerOptions(): Options {
  const { workerOptions: options } = optionsOf(CONFIGURATION, "");
  // The bench posts more than a tenant may, so it runs without the limit, as wrangler.toml says how. The limit's local
  // stand-in is an object that each request would call; the platform counts where the request is.
  const { assets: _, ratelimits: __, ...rest } = options as Options;
  return rest as Options;
}

function esModule(path: string, contents: string) {
  return { type: "ESModule" as const, path, contents };
}

/** The wrapping as the runtime takes it: plain JavaScript, each file beside the bundle. */
async function harness() {
  const files = ["../counts.ts", "harness.ts", "counting.ts", "clock.ts"];
  return Promise.all(
    files.map(async (file) => {
      const source = await readFile(new URL(`worker/${file}`, import.meta.url), "utf8");
      const code = stripTypeScriptTypes(source).replaceAll(/from "\.+\/(\w+)\.ts"/g, 'from "./$1.js"');
      return esModule(file.replace("../", "").replace(".ts", ".js"), code);
    }),
  );
}
