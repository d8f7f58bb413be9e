/**
 * Installs what is missing, with nothing but Node's own modules and npm.
 * @module
 */

import { existsSync, lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { startGuarded } from "./child.mjs";
import { inProject, ROOT } from "./project.mjs";
import { note, paint, Trouble } from "./terminal.mjs";

/** wrangler refuses anything older. */
const OLDEST_NODE_FOR_WRANGLER = 22;

/**
 * Makes node_modules match package-lock.json. Says nothing when it does already, and what it says is on stderr: the stdout
 * of the script that needs it may be read by a program.
 *
 * @throws {Trouble} when npm fails
 */
export async function ensureInstalled() {
  if (await isInstalled()) return;
  if (isLink(inProject("node_modules"))) {
    // npm ci would empty the directory that the link points to, which is somebody else's.
    throw new Trouble("node_modules is a link, and what it points to is not what package-lock.json names.", {
      remedy: ["Remove the link: rm node_modules", "Then start again; the dependencies are installed here."],
    });
  }
  note(
    `Installing the dependencies named in package-lock.json. ${paint("dim", "The first time takes about a minute.")}`,
  );
  const started = Date.now();
  const [command, args] = npm();
  // npm says next to nothing while it works, unless it has a terminal.
  const heartbeat = setInterval(() => note(paint("dim", `… still installing (${seconds(started)})`)), 10_000);
  // Its warnings are about an older Node, which only starts the newer one that is installed here.
  const flags = ["--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const status = await startGuarded(command, [...args, "ci", ...flags], { cwd: ROOT, output: "stderr" }).exited;
  clearInterval(heartbeat);
  if (status !== 0) {
    throw new Trouble("npm could not install the dependencies (its own message is above).", {
      remedy: ["Check the network, then run the same command again."],
    });
  }
  note(`${paint("green", "✓")} Installed in ${seconds(started)}.`);
  note();
}

/**
 * The Node that runs wrangler and vitest: the one that came with the dependencies, so that no machine needs a newer one.
 *
 * @returns {string} its path
 * @throws {Trouble} when there is none that wrangler accepts
 */
export function nodePath() {
  const installed = inProject("node_modules/node/bin/node");
  if (existsSync(installed)) return installed;
  if (Number(process.versions.node.split(".")[0]) >= OLDEST_NODE_FOR_WRANGLER) return process.execPath;
  throw new Trouble("The npm package `node` is there, but npm has not run its install script.", {
    remedy: ["Run `npm rebuild node`, or use Node 22 or later."],
  });
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Whether each package that must be there is there, in the version that package-lock.json names. */
async function isInstalled() {
  const [wanted, installed] = await Promise.all([
    packagesOf("package-lock.json"),
    packagesOf("node_modules/.package-lock.json"), // npm writes it last
  ]);
  if (wanted === undefined) {
    throw new Trouble("package-lock.json is missing or not JSON.", {
      remedy: ["Restore it: git checkout package-lock.json"],
    });
  }
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = installed[path];
    // What is optional may be for another operating system.
    if (found === undefined) return optional === true;
    return found.version === version && (integrity === undefined || found.integrity === integrity);
  });
}

async function packagesOf(path) {
  try {
    return JSON.parse(await readFile(inProject(path), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** The npm that started us, or else the one in PATH. */
function npm() {
  const script = process.env.npm_execpath;
  return script?.endsWith("npm-cli.js") ? [process.execPath, [script]] : ["npm", []];
}

function seconds(since) {
  return `${Math.round((Date.now() - since) / 1000)} s`;
}
