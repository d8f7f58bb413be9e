import { globSync } from "node:fs";
import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { LIMITS } from "./lib/patience.ts";
import { provided } from "./lib/provided.ts";
import { pureTests } from "./lib/pure.ts";

const root = path.join(import.meta.dirname, "..");

const ALL = ["test/**/*.test.ts"];
/** Those have a configuration of their own. */
const OUTSIDE = ["test/blackbox/**", "test/browser/**", "test/clients/**", "test/model/**"];

/** Of the pure ones those that are about what the runtime does: its comparison in constant time, its bodies. */
const ABOUT_THE_RUNTIME = [
  "test/dashboard/signature-check.test.ts",
  "test/lib/secrets.test.ts",
  "test/send/echoed.test.ts",
];
const PURE = pureTests(root, ALL).filter(
  (file) => !ABOUT_THE_RUNTIME.includes(file) && !OUTSIDE.some((pattern) => path.matchesGlob(file, pattern)),
);

/**
 * Many random cases, errors in every place, walks over every operation of the API, rows by the hundred thousand, and what
 * waits for seconds of the clock: receivers that hang, retries, ends amid it all.
 */
const LONG = [
  "test/traps.test.ts",
  "test/faults/**",
  "test/api/{beside,body,bounds,deletions,edges,fuzz,last-pages,limits,matching,permissions,read-back,same-names,tenants}.test.ts",
  "test/config/scans.test.ts",
  "test/dashboard/form-roles.test.ts",
  "test/endpoint/{capacity,lists,recover}.test.ts",
  "test/event-log/day-before.test.ts",
  "test/lib/net/dns.test.ts",
  "test/send/{changes,cost,direct,disabled,ended,lanes,misbehaving,outcomes,quiet,retry,sizes,status-line}.test.ts",
  "test/signals/{bounds,property,recollection}.test.ts",
]
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => file.endsWith(".test.ts") && !PURE.includes(file));

/** As in wrangler.toml, whose values these replace, but for the waits. */
const CONSUMER = { maxBatchSize: 10, maxBatchTimeout: 0.02, maxRetries: 10, retryDelay: 1 };

/** How many pairs of queues they run with: any number must do. */
const PAIRS = Number(process.env.QUEUES ?? 1);
const NORMAL = { ...CONSUMER, deadLetterQueue: "deliveries-dead" };
const MORE = Array.from({ length: PAIRS - 1 }, (_, i) => [
  [`DELIVERIES_${i + 1}`, `deliveries-${i + 1}`],
  [`DELIVERIES_SLOW_${i + 1}`, `deliveries-slow-${i + 1}`],
]).flat();

/** A suite inside workerd, against real D1, Queues and Durable Objects and a real receiver on loopback. */
const inRuntime = async (
  name: string,
  include: string[],
  exclude: string[],
): Promise<TestProjectInlineConfiguration> => ({
  root,
  plugins: [
    cloudflareTest({
      main: path.join(root, "src/index.ts"),
      // A link to the project's own: wrangler takes `.dev.vars` and `.env` from the directory of the file that it is given,
      // and those are the developer's.
      wrangler: { configPath: path.join(import.meta.dirname, "wrangler.toml"), environment: "" },
      miniflare: {
        // A second database, for the tests that have one.
        d1Databases: { SPARE: "spare" },
        compatibilityFlags: ["service_binding_extra_handlers"],
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations(path.join(root, "migrations")),
          OPERATOR_KEY: "operator-key-of-the-tests",
          SECRETS_KEY: "secrets-key-of-the-tests",
          ALLOW_INSECURE_ENDPOINTS: "true",
        },
        queueProducers: {
          DELIVERIES: "deliveries",
          DELIVERIES_SLOW: "deliveries-slow",
          DELIVERIES_DEAD: "deliveries-dead",
          ...Object.fromEntries(MORE),
        },
        queueConsumers: {
          deliveries: NORMAL,
          "deliveries-slow": NORMAL,
          ...Object.fromEntries(MORE.map(([, queue]) => [queue, NORMAL])),
          "deliveries-dead": { ...CONSUMER, maxRetries: 100 },
        },
      },
    }),
  ],
  test: {
    name,
    include,
    exclude,
    provide: provided,
    setupFiles: [path.join(import.meta.dirname, "lib/setup.ts")],
    globalSetup: ["receiver-server.ts", "raw-server.ts", "resolver-server.ts"].map((file) =>
      path.join(import.meta.dirname, "lib/servers", file),
    ),
    ...LIMITS,
    // Files take turns in one runtime, see lib/setup.ts: one for each would take three times as long.
    isolate: false,
  },
});

/**
 * What `npm run test:unit` runs, `pure` on Node and `runtime` inside workerd, and `long`, which only `npm test` runs beside
 * them.
 */
export default defineConfig(async () => ({
  root,
  test: {
    projects: [
      { root, test: { name: "pure", include: PURE, provide: provided, isolate: false, ...LIMITS } },
      await inRuntime("runtime", ALL, [...OUTSIDE, ...PURE, ...LONG]),
      await inRuntime("long", LONG, []),
    ],
  },
}));
