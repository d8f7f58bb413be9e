/**
 * Real instances of the project: a copy of its files, and `npm start` in it as a child process.
 * @module
 */

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "../lib/until";

const ROOT = join(import.meta.dirname, "../..");
/** Marks the processes of an instance, wherever they end up in the tree, by a variable that each child inherits. */
const MARK = "POSTHORN_TEST_INSTANCE";

/**
 * A port that was free a moment ago: none of those that systems give to outgoing connections (from 32768 on with Linux, from
 * 49152 on elsewhere), of which one may be taken by the time it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if ((await canListen(port, "127.0.0.1")) && (await canListen(port, "localhost"))) return port;
  }
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** A copy of the project as a clone would have it, without anything that running it leaves behind. */
export class Project {
  private constructor(readonly directory: string) {}

  /**
   * Copies what git tracks or would track; node_modules is shared. Deleted, with all that runs in it, after the test, or
   * when `finished` says so.
   */
  static async copy(finished: (end: () => Promise<void>) => void = onTestFinished): Promise<Project> {
    const directory = await mkdtemp(join(tmpdir(), "posthorn-blackbox-"));
    const project = new Project(directory);
    const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
    for (const file of new Set(files.toString().split("\0").filter(Boolean))) {
      if (!existsSync(join(ROOT, file))) continue; // deleted, and not yet staged
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await cp(join(ROOT, file), join(directory, file), { verbatimSymlinks: true });
    }
    await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
    await mkdir(join(directory, "tmp"));
    finished(async () => {
      for (const instance of project.#instances) instance.killAll();
      for (const child of project.#scripts) child.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    });
    return project;
  }

  readonly #instances: Instance[] = [];
  readonly #scripts: ChildProcess[] = [];

  /** Runs `npm start -- FLAGS` on a port. */
  start(port: number, flags: string[], env: Record<string, string> = {}): Instance {
    const instance = new Instance(this.directory, port, flags, env);
    this.#instances.push(instance);
    return instance;
  }

  /** Runs it with `--no-demo`, and is fulfilled when it says that it serves. */
  async serve(port: number, env: Record<string, string> = {}): Promise<Instance> {
    const instance = this.start(port, ["--no-demo"], env);
    await instance.says(/Serving until/);
    return instance;
  }

  /** Runs one of its scripts to the end. What that starts ends with it. */
  run(script: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
    const options = { cwd: this.directory, env: { ...cleanEnvironment(), ...env }, maxBuffer: 2 ** 26 };
    return new Promise((resolve) => {
      const command = [join(this.directory, script), ...args];
      const child = execFile(process.execPath, command, options, (_, stdout, stderr) => {
        resolve({ status: child.exitCode, stdout, stderr });
      });
      this.#scripts.push(child);
    });
  }

  /** Leaves in the directory what a developer may have there, and what breaks everything that uses it unasked. */
  async leaveSecrets(): Promise<void> {
    const useless = 'MAX_ENDPOINTS="0"\nRETENTION_DAYS="13"\nDEFAULT_PROFILE="none"\n';
    const leave = (name: string, text: string) => writeFile(join(this.directory, name), text + useless);
    await leave(".dev.vars", 'OPERATOR_KEY="mine"\nSECRETS_KEY="mine"\n');
    await leave(".env", 'CLOUDFLARE_ENV="mine"\n');
    await leave(".env.local", "");
  }

  /** The operator's key, from where `npm start` says it is. */
  async operatorKey(): Promise<string> {
    const text = await readFile(join(this.directory, ".dev.vars"), "utf8");
    return /^OPERATOR_KEY="(.+)"$/m.exec(text)?.[1] ?? "";
  }
}

/** What came of a script. */
interface Ended {
  /** `null`: a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

interface Process {
  pid: number;
  command: string;
}

/** One run of `npm start`. */
export class Instance {
  output = "";
  /** Fulfilled with npm's exit status, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #mark = randomUUID();
  readonly npm: ChildProcess;

  constructor(
    directory: string,
    readonly port: number,
    flags: string[],
    env: Record<string, string>,
  ) {
    this.npm = spawn("npm", ["start", "--", ...flags], {
      cwd: directory,
      // What is killed leaves temporary files: these go with the project.
      env: { ...cleanEnvironment(), PORT: String(port), TMPDIR: join(directory, "tmp"), [MARK]: this.#mark, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a terminal would give it a process group, too
    });
    for (const stream of [this.npm.stdout, this.npm.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = new Promise((resolve) => {
      // Where npm cannot be started: whoever waits for its end or its words is told so.
      this.npm.on("error", (error) => {
        this.output += String(error);
        resolve(null);
      });
      this.npm.on("close", resolve);
    });
  }

  /** Waits until the output matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    void this.exited.then(() => {
      over = true;
    });
    const about = () => `npm start has not said ${pattern}; it said:\n${this.output}`;
    return await until(about, () => {
      const match = pattern.exec(this.output);
      if (match === null && over) throw new Error(about());
      return match ?? undefined;
    });
  }

  /** What is left of this run, parents first. */
  processes(): Process[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(`${MARK}=${this.#mark}`)) return [];
          const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
          return [{ pid: Number(name), command }];
        } catch {
          return []; // it ended meanwhile
        }
      })
      .sort((a, b) => a.pid - b.pid);
  }

  /** The pids of the processes whose command line matches; at least one must. */
  pids(pattern: RegExp): number[] {
    const all = this.processes();
    const found = all.filter(({ command }) => pattern.test(command)).map(({ pid }) => pid);
    if (found.length === 0) throw new Error(`no process matches ${pattern} in\n${list(all)}`);
    return found;
  }

  /** Kills by pid what belongs to this run, all at once and without warning. */
  killAll(): void {
    for (const { pid } of this.processes()) kill(pid);
  }

  /** Waits until nothing of this run is left and its port is free. */
  async isGone(): Promise<void> {
    const about = () => `this is still there:\n${list(this.processes())}\nand npm start said:\n${this.output}`;
    await until(about, async () => this.processes().length === 0 && !(await isListening(this.port)));
  }
}

/** Sends SIGKILL; a process that is gone already is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended meanwhile
  }
}

function list(processes: Process[]): string {
  return processes.map(({ pid, command }) => `  ${pid} ${command.slice(0, 160)}`).join("\n");
}

/** Our environment without what vitest, the npm that may have started it, and a CI put there. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(?:VITEST.*|LEFT_OUT|CI|TEST|NODE_ENV|MODE|DEV|PROD|SSR|BASE_URL|npm_(?!config_).*|INIT_CWD|FORCE_COLOR|RECONCILE_AFTER_SECONDS)$/;
  const { PATH = "" } = process.env;
  const path = PATH.split(":").filter((part) => !part.includes("node_modules"));
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), PATH: path.join(":"), NO_COLOR: "1" };
}
