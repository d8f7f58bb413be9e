import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { OPERATIONS, run, workplace } from "./document";

/** Whether this machine's Python has what test/clients/requirements.txt names. */
function hasGenerator(): boolean {
  try {
    execFileSync("python3", ["-c", "import openapi_python_client, mypy, httpx, attrs"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const possible = hasGenerator();
if (!possible) {
  console.warn(
    "There is no python3 with openapi-python-client and mypy (pip install -r test/clients/requirements.txt): what it makes of the document is not tested.",
  );
}

/** As Python writes a name. */
const snake = (id: string) => id.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe("openapi-python-client", () => {
  it.skipIf(!possible)("makes a client of every operation, which type-checks", async ({ expect }) => {
    const directory = workplace();
    // Nothing is formatted afterwards: that is for people.
    writeFileSync(join(directory, "config.json"), JSON.stringify({ post_hooks: [] }));
    const made = ["--path", "openapi.json", "--meta", "none", "--output-path", "posthorn", "--config", "config.json"];
    const generate = ["-m", "openapi_python_client", "generate", ...made, "--fail-on-warning"];
    expect(await run("python3", generate, directory)).not.toMatch(/warning|error|unable/i);
    const modules = readdirSync(join(directory, "posthorn/api"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".py") && !file.endsWith("__init__.py"))
      .map((file) => file.split("/").at(-1)?.replace(".py", ""));
    expect(modules.toSorted()).toEqual(OPERATIONS.map(snake).toSorted());
    // A cast that says what is known is the generator's way of writing.
    const strictly = ["--strict", "--no-warn-redundant-casts", "--cache-dir", "cache"];
    await run("python3", ["-m", "mypy", ...strictly, "posthorn"], directory);
  });
});
