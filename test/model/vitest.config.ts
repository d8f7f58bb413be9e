import path from "node:path";
import { defineConfig } from "vitest/config";
import { LIMITS } from "../lib/patience.ts";
import { provided } from "../lib/provided.ts";

/** The model runs the objects' own code on Node's SQLite, without the Workers runtime around it. */
export default defineConfig({
  root: path.join(import.meta.dirname, "../.."),
  test: { include: ["test/model/**/*.test.ts"], provide: provided, ...LIMITS },
});
