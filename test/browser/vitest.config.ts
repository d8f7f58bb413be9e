import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { leavingOut } from "../lib/left-out.ts";
import { LIMITS } from "../lib/patience.ts";
import { provided } from "../lib/provided.ts";
import { chromium } from "./chromium.ts";

/** They also find what an instance has left behind by way of /proc. */
const wants = process.platform !== "linux" ? "Linux" : chromium() === null ? "Chromium" : null;

// The dashboard in a real browser, over `npm start` as a user runs it.
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/browser/**/*.test.ts"],
    ...leavingOut(wants),
    provide: provided,
    ...LIMITS,
  },
});
