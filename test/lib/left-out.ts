import { join } from "node:path";
import type { TestContext } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** What this machine lacks that the test needs. */
    leftOut?: string;
  }
}

/** Leaves a test out, which is counted by what it wants: scripts/lib/left-out.mjs. */
export function leaveOut({ task, skip }: TestContext, wants: string): never {
  task.meta.leftOut = wants;
  return skip(`it wants ${wants}`);
}

/** For the configuration of a suite: leaves all of its tests out where they want something; `null`: they have it. */
export function leavingOut(wants: string | null) {
  if (wants === null) return {};
  return { runner: join(import.meta.dirname, "left-out-runner.ts"), env: { LEFT_OUT: wants } };
}
