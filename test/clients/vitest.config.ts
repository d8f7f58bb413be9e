import path from "node:path";
import { defineConfig } from "vitest/config";
import { LIMITS } from "../lib/patience.ts";

/** What others make of the OpenAPI document, on Node: the document is made by the Worker's own code, without its runtime. */
export default defineConfig({
  root: path.join(import.meta.dirname, "../.."),
  resolve: { alias: { "cloudflare:workers": path.join(import.meta.dirname, "runtime.ts") } },
  test: { include: ["test/clients/**/*.test.ts"], ...LIMITS },
});
