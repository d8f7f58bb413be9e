import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

declare global {
  /** The bindings before any test has changed them. */
  var untouched: typeof env | undefined;
}

// Files take turns in one runtime; none sees what another has stored or set.
globalThis.untouched ??= { ...env };
Object.assign(env, globalThis.untouched);
await reset();
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
