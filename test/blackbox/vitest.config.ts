import path from "node:path";
import { defineConfig } from "vitest/config";

// They find what an instance has left behind by way of /proc.
const possible = process.platform === "linux";
if (!possible) console.warn("The black-box tests need Linux; they are left out here.");

// Plain Node tests: they run `npm start` as a user does, and look at it from outside.
export default defineConfig({
  root: path.join(import.meta.dirname, "../.."),
  test: {
    include: possible ? ["test/blackbox/**/*.test.ts"] : [],
    passWithNoTests: !possible,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
