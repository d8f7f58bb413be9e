import { defineConfig } from "drizzle-kit";

/** `npm run db:generate` writes the next migration from the difference between the schema and the last one. */
export default defineConfig({ dialect: "sqlite", schema: "./src/config/tables/*.ts", out: "./migrations" });
