import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

declare global {
  /** The bindings before any test has changed them. */
  var untouched: typeof env | undefined;
}

// Files take turns in one runtime; none sees what another has stored or set.
globalThis.untouched ??= { ...env };
Object.assign(env, globalThis.untouched);
// In one call of the database: that each migration goes through by itself is shown wherever `npm start` is run.
const statements = env.TEST_MIGRATIONS.flatMap(({ queries }) => queries);
/** What an earlier file has left under way keeps its database alive over a reset; it ends in moments. */
const TRIES = 100;
for (let tries = 1; ; tries++) {
  await reset();
  try {
    await env.DB.batch(statements.map((statement) => env.DB.prepare(statement)));
    break;
  } catch (error) {
    if (tries === TRIES || !String(error).includes("already exists")) throw error;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
