import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { chromium } from "./chromium.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const possible = chromium() !== null && process.platform === "linux";
if (!possible) {
  const files = readdirSync(here).filter((file) => file.endsWith(".test.ts"));
  const names = files.flatMap((file) => [...readFileSync(join(here, file), "utf8").matchAll(/^test\("([^"]+)"/gm)]);
  console.warn("There is no Chromium on this machine (set CHROMIUM to where it is). These tests are left out:");
  for (const [, name] of names) console.warn(`  - ${name}`);
}

// The dashboard in a real browser, over `npm start` as a user runs it.
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: possible ? ["test/browser/**/*.test.ts"] : [],
    passWithNoTests: !possible,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
