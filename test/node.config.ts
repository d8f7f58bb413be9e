import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long. They begin first, so that none is left to run alone at the end. */
const LONG = ["neighbours", "pages", "crash", "journey", "serving", "orphans", "bench"];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

/**
 * What runs on Node: the model, and whole instances of the project seen from outside and in a browser. Together, since
 * most of their time is waiting, which leaves the machine to the others.
 */
export default defineConfig({
  root: `${import.meta.dirname}/..`,
  test: {
    projects: ["model", "blackbox", "browser", "clients"].map((suite) => `test/${suite}/vitest.config.ts`),
    sequence: { sequencer: LongFirst },
  },
});
