import { createConfig, lintFromString } from "@redocly/openapi-core";
import core, { type RulesetDefinition } from "@stoplight/spectral-core";
import { Json } from "@stoplight/spectral-parsers";
import { oas } from "@stoplight/spectral-rulesets";
import { describe, it } from "vitest";
import { TEXT } from "./document";

/** What Redocly's recommended rules object to. */
async function redocly(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const found = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return found.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`);
}

/** What all of Spectral's rules object to, but for two that are not meant for this document. */
async function spectral(source: string): Promise<string[]> {
  const linter = new core.Spectral();
  linter.setRuleset({
    extends: [[oas as RulesetDefinition, "all"]],
    // Whom to write to is the deployment's to know; the tags stand in the order of a reader who is new.
    rules: { "info-contact": "off", "openapi-tags-alphabetical": "off" },
  });
  const found = await linter.run(new core.Document(source, Json, "/openapi.json"));
  return found.map(({ code, message, path }) => `${code}: ${message} (${path.join("/")})`);
}

/** The document with one mistake that either must find. */
const WRONG = TEXT.replace('"#/components/schemas/EndpointInput"', '"#/components/schemas/Nowhere"');

describe("the OpenAPI document", () => {
  it.for([
    ["Redocly", redocly],
    ["Spectral", spectral],
  ] as const)("has nothing that %s objects to", async ([, lint], { expect }) => {
    expect(await lint(TEXT)).toEqual([]);
    expect(await lint(WRONG)).toEqual(expect.arrayContaining([expect.stringMatching(/resolve|ref/i)]));
  });
});
