import { type RunnerTestCase, type RunnerTestSuite, TestRunner } from "vitest";

/** Runs no test of a suite, and says of each what it wants, as the variable LEFT_OUT has it. */
export default class LeftOutRunner extends TestRunner {
  /** What is prepared for all tests of a file may be what this machine cannot do. */
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    for (const hooks of Object.values(TestRunner.getSuiteHooks(suite))) hooks.length = 0;
    await super.onBeforeRunSuite(suite);
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    // What no filter asked for is not left out.
    if (test.mode === "run" || test.mode === "queued") {
      test.meta.leftOut = process.env.LEFT_OUT ?? "";
      test.mode = "skip";
      test.result = { state: "skip" };
    }
    await super.onBeforeRunTask(test);
  }
}
