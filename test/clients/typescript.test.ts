import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { OPERATIONS, ROOT, run, workplace } from "./document";

/** A program that uses every operation by its name, and some as a program would. */
const USES = `
import type { components, operations, paths } from "./posthorn";

type Names = ${OPERATIONS.map((id) => JSON.stringify(id)).join(" | ")};
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** No operation is missing, and there is none besides but those of the webhooks. */
export const all: Same<Names, Exclude<keyof operations, \`receive\${string}\`>> = true;

type Created = paths["/v1/tenants/{tenant}/endpoints"]["post"]["responses"][201]["content"]["application/json"];
export function secretOf(created: Created): string | null {
  return created.secret;
}
export const patch: components["schemas"]["EndpointPatch"] = { uid: null, headers: { "X-Team": null }, format: "flat" };
// @ts-expect-error: there is no such format
export const wrong: components["schemas"]["EndpointPatch"] = { format: "xml" };
export const status: components["schemas"]["Delivery"]["status"] = "held";
export function hasAsked({ waitReason }: components["schemas"]["Delivery"]): boolean {
  return waitReason === "asked";
}
`;

describe("openapi-typescript", () => {
  it("makes types of every operation, which type-check", async ({ expect }) => {
    const directory = workplace();
    const hooks = join(import.meta.dirname, "typescript-5.mjs");
    const generator = join(ROOT, "node_modules/openapi-typescript/bin/cli.js");
    await run(process.execPath, ["--import", hooks, generator, "openapi.json", "-o", "posthorn.d.ts"], directory);
    writeFileSync(join(directory, "uses.ts"), USES);
    const options = ["--strict", "--noEmit", "--skipLibCheck", "false", "--module", "esnext", "--target", "es2024"];
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const printed = await run(
      process.execPath,
      [compiler, ...options, "--types", "", "uses.ts", "posthorn.d.ts"],
      directory,
    );
    expect(printed).toBe("");
    expect(OPERATIONS.length).toBeGreaterThan(70);
  });
});
