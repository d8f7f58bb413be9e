/**
 * Child processes that cannot outlive this one.
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const GUARD = fileURLToPath(new URL("guard.sh", import.meta.url));
/** How long an orderly end may take before the whole group is killed, in milliseconds. The guard itself waits 3 s. */
const END_TIMEOUT = 4_000;

/** Everything that runs at the moment. */
const running = new Set();

process.on("exit", () => {
  for (const child of running) child.kill();
});

/**
 * Starts a command in a process group of its own, under a guard that ends the group when this process is gone, however it
 * went: by a signal that cannot be caught, too.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{
 *   cwd?: string,
 *   env?: NodeJS.ProcessEnv,
 *   output?: "pipe" | "inherit" | "stderr",
 *   terminal?: boolean,
 * }} [options] `output`: what becomes of its standard output and error (`stderr`: both go to ours, since stdout is for our
 *   own answer); `terminal`: it reads keys from our terminal, and so shares our process group
 * @returns {{
 *   stdout: import("node:stream").Readable | null,
 *   stderr: import("node:stream").Readable | null,
 *   exited: Promise<number | null>,
 *   end: () => Promise<void>,
 *   kill: () => void,
 * }} `exited` is fulfilled with its exit status, or with null when it was killed together with its guard. `end` asks it to
 *   end, and is fulfilled when nothing of it is left. `kill` ends it at once.
 */
export function startGuarded(command, args, { cwd, env = process.env, output = "pipe", terminal = false } = {}) {
  const printed = output === "stderr" ? process.stderr.fd : output;
  const stdio = [terminal ? "inherit" : "ignore", printed, printed, "pipe", "pipe"];
  const wrapped = [GUARD, terminal ? "terminal" : "group", command, ...args];
  const guard = spawn("sh", wrapped, { cwd, env, stdio, detached: !terminal });
  const [report, lifeline] = [guard.stdio[3], guard.stdio[4]];
  lifeline.on("error", () => {}); // the guard went first

  let reported = "";
  report.setEncoding("utf8").on("data", (text) => {
    reported += text;
  });

  const child = {
    stdout: guard.stdout,
    stderr: guard.stderr,
    exited: ended(),
    async end() {
      if (!running.has(child)) return;
      if (!lifeline.writableEnded) lifeline.end("end\n");
      const timer = setTimeout(child.kill, END_TIMEOUT);
      await child.exited.catch(() => {});
      clearTimeout(timer);
    },
    kill: () => killGroup(guard.pid, terminal),
  };
  running.add(child);
  return child;

  async function ended() {
    try {
      await once(guard, "exit");
      // The group's number is still ours: whatever is left in it was started here.
      if (!terminal) killGroup(guard.pid, false);
      if (!report.readableEnded) await Promise.race([once(report, "end"), delay(500)]);
      return reported === "" ? null : Number(reported);
    } finally {
      running.delete(child);
      lifeline.destroy();
    }
  }
}

/**
 * Runs a command to its end and collects what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ status: number | null, output: string }>} standard output and error, as they came
 */
export async function runGuarded(command, args, options) {
  const child = startGuarded(command, args, options);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const status = await child.exited;
  return { status, output };
}

/** Ends all that runs, and is fulfilled when nothing of it is left. */
export async function endAll() {
  await Promise.all([...running].map((child) => child.end()));
}

function killGroup(pid, alone) {
  if (pid === undefined) return; // it could not be started
  try {
    process.kill(alone ? pid : -pid, "SIGKILL");
  } catch {
    // nothing is left of it
  }
}

function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
