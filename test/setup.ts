import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

// Files take turns in one runtime; none sees what another has stored.
await reset();
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
