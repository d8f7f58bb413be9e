import path from "node:path";
import { defineConfig } from "vitest/config";
import { leavingOut } from "../lib/left-out.ts";
import { LIMITS } from "../lib/patience.ts";
import { provided } from "../lib/provided.ts";

// Plain Node tests: they run `npm start` as a user does, and look at it from outside. What an instance has left behind they
// find by way of /proc.
export default defineConfig({
  root: path.join(import.meta.dirname, "../.."),
  test: {
    include: ["test/blackbox/**/*.test.ts"],
    ...leavingOut(process.platform === "linux" ? null : "Linux"),
    provide: provided,
    ...LIMITS,
  },
});
