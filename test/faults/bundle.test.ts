import { describe, it } from "vitest";

const sources = import.meta.glob<string>("../../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const [config] = Object.values(
  import.meta.glob<string>("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
);
const [bundler] = Object.values(
  import.meta.glob<string>("../../scripts/lib/worker.mjs", { query: "?raw", import: "default", eager: true }),
);

describe("the deployed bundle", () => {
  it("has nothing of the faults: it begins in src, and nothing in src is made for a test", ({ expect }) => {
    expect(config).toContain('main = "dist/worker.mjs"');
    expect(bundler).toContain('entryPoints: ["src/index.ts"]');
    const files = Object.entries(sources);
    expect(files.length).toBeGreaterThan(100);
    for (const [name, text] of files) {
      const imports = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, path]) => path as string);
      expect(
        imports.filter((path) => /(^|\/)test(\/|$)|vitest|cloudflare:test/.test(path)),
        name,
      ).toEqual([]);
      expect(text, name).not.toMatch(/\bfaultPoint\b|\bfaults?\(|\bDoom\b/);
    }
  });
});
