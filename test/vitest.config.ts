import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { provided } from "./lib/provided.ts";

const root = path.join(import.meta.dirname, "..");

/** As in wrangler.toml, whose values these replace, but for the waits. */
const CONSUMER = { maxBatchSize: 10, maxBatchTimeout: 0.02, maxRetries: 10, retryDelay: 1 };

/** How many pairs of queues they run with: any number must do. */
const PAIRS = Number(process.env.QUEUES ?? 1);
const NORMAL = { ...CONSUMER, deadLetterQueue: "deliveries-dead" };
const MORE = Array.from({ length: PAIRS - 1 }, (_, i) => [
  [`DELIVERIES_${i + 1}`, `deliveries-${i + 1}`],
  [`DELIVERIES_SLOW_${i + 1}`, `deliveries-slow-${i + 1}`],
]).flat();

/** The suites that run inside workerd, against real D1, Queues and Durable Objects and a real receiver on loopback. */
export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      main: path.join(root, "src/index.ts"),
      // A link to the project's own: wrangler takes `.dev.vars` and `.env` from the directory of the file that it is given,
      // and those are the developer's.
      wrangler: { configPath: path.join(import.meta.dirname, "wrangler.toml"), environment: "" },
      miniflare: {
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
    include: ["test/**/*.test.ts"],
    exclude: ["test/blackbox/**", "test/browser/**", "test/clients/**", "test/model/**"],
    provide: provided,
    setupFiles: [path.join(import.meta.dirname, "lib/setup.ts")],
    globalSetup: ["receiver-server.ts", "raw-server.ts", "resolver-server.ts"].map((file) =>
      path.join(import.meta.dirname, "lib/servers", file),
    ),
    testTimeout: 120_000,
    // Files take turns in one runtime, see lib/setup.ts: one for each would take three times as long.
    isolate: false,
  },
}));
