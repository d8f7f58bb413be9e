/**
 * `npm run screenshots`: takes the pictures of the README anew, in src/dashboard/screenshots. They are of an instance of its
 * own, in a copy of the project that is gone afterwards: nothing of a developer's is used or left. Needs Chromium, where it
 * usually is or where the variable CHROMIUM says. `npm run screenshots -- --all FOLDER` takes every page instead, light and
 * dark, on a phone, a desk and a wide screen, into that folder, to be looked at.
 * @module
 */

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { chromium as whereChromiumIs } from "../test/browser/chromium.ts";
import { endAll, startGuarded } from "./lib/child.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, say, Trouble } from "./lib/terminal.mjs";

const WINDOW = { width: 1280, height: 860 };
/** The windows of all pages: a phone, a desk, a wide screen. */
const WINDOWS = [{ width: 390, height: 844 }, WINDOW, { width: 1920, height: 1080 }];
/** How long the instance may take until it serves, and its deliveries until each was tried, in ms. */
const PATIENCE = 120_000;

/** The endpoints: how each receiver answers, and how long it takes for that, in ms. */
const ENDPOINTS = [
  { uid: "crm", name: "CRM", events: ["lead.hot", "company.identified"], status: 200, takes: 40 },
  { uid: "sales-channel", name: "Sales channel", events: ["lead.hot"], profile: "svix", status: 204, takes: 15 },
  { uid: "warehouse", name: "Warehouse", events: ["*"], profile: "cloudevents", status: 200, takes: 110 },
  {
    uid: "billing",
    name: "Billing",
    events: ["order.created", "order.paid"],
    profile: "stripe",
    status: 200,
    takes: 25,
  },
  { uid: "fulfilment", name: "Fulfilment", events: ["order.paid"], status: 503, takes: 300, retry: [1, 2, 3600] },
  { uid: "old-erp", name: "Old ERP", events: ["order.paid"], status: 200, takes: 20, enabled: false },
];

/** What happens, in turns; companies under `.example` belong to nobody. */
const EVENTS = [
  { event: "lead.hot", data: { company: { name: "Halden Marine", domain: "halden.example", leadScore: 91 } } },
  {
    event: "company.identified",
    data: { company: { name: "Norrvik Steel", domain: "norrvik.example", employees: 420 } },
  },
  { event: "order.created", data: { order: { id: "4711", total: 1290, currency: "EUR" } } },
  { event: "order.paid", data: { order: { id: "4711", total: 1290, currency: "EUR" } } },
];
const ROUNDS = 12;

/** Listens on a free port of this machine; answers what each path's endpoint answers. */
async function receive() {
  const server = createServer((request, response) => {
    const { status, takes } = ENDPOINTS.find(({ uid }) => request.url === `/${uid}`) ?? { status: 404, takes: 0 };
    request.resume().on("end", () => setTimeout(() => response.writeHead(status).end(), takes));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** A free port, as of a moment ago. */
async function freePort() {
  const { server, url } = await receive();
  await new Promise((resolve) => server.close(resolve));
  return Number(new URL(url).port);
}

/** Copies what git tracks, or would, so that the pictures are of what is there now. */
async function copyTo(directory) {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  for (const file of new Set(listed.toString().split("\0").filter(Boolean))) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await cp(inProject(file), join(directory, file)).catch((error) => {
      if (error.code !== "ENOENT") throw error; // deleted, and not yet committed
    });
  }
  await symlink(inProject("node_modules"), join(directory, "node_modules"));
}

/** Starts the copy; fulfilled once it serves. */
async function serve(directory, port) {
  const env = { ...process.env, PORT: String(port) };
  const child = startGuarded(process.execPath, ["scripts/start.mjs", "--no-demo"], { cwd: directory, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const ended = child.exited.then(() => true);
  await until("The instance does not serve.", async () => {
    if (await Promise.race([ended, sleep(0)])) throw new Trouble("The instance ended.", { remedy: output.split("\n") });
    return output.includes("Serving until");
  });
}

async function until(complaint, holds) {
  for (const deadline = Date.now() + PATIENCE; !(await holds()); await sleep(100)) {
    if (Date.now() > deadline) throw new Trouble(complaint);
  }
}

/** Fills the instance with a tenant whose events went to several endpoints, one of which fails. */
async function fill(base, key, receiver) {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const api = async (method, path, body) => {
    const response = await fetch(`${base}/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Trouble(`${method} ${path} was answered ${response.status}.`);
    return response.json();
  };
  await api("POST", "/tenants", { id: "acme", name: "Acme" });
  const ids = {};
  for (const { status: _, takes: __, ...fields } of ENDPOINTS) {
    ids[fields.uid] = (
      await api("POST", "/tenants/acme/endpoints", { ...fields, url: `${receiver}/${fields.uid}` })
    ).id;
  }
  for (let round = 0; round < ROUNDS; round++) {
    await api("POST", "/tenants/acme/events/batch", { events: EVENTS });
  }
  const failing = `/tenants/acme/endpoints/${ids.fulfilment}/deliveries`;
  let failed;
  await until("Not everything was tried.", async () => {
    const { data } = await api("GET", "/tenants/acme/deliveries?limit=250");
    const { data: tried } = await api("GET", `${failing}?limit=250`);
    failed = tried.find(({ attempts }) => attempts >= 2);
    return (
      failed !== undefined &&
      data.every(({ endpoint, status }) => endpoint === ids.fulfilment || ["succeeded", "held"].includes(status))
    );
  });
  const { data: found } = await api("GET", "/tenants/acme/events?event=order.paid&limit=1");
  return { endpoint: ids.fulfilment, delivery: failed.id, event: found[0].id };
}

/** What all pages need besides: one of everything that a tenant may have. */
async function furnish(base, key) {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const post = async (path, body) => {
    const response = await fetch(`${base}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Trouble(`POST ${path} was answered ${response.status}.`);
  };
  await post("/event-types/catalogs/clearview", {});
  await post("/tenants", { id: "empty", name: "Nobody yet" });
  await post("/tenants/acme/segments", { name: "Hot leads", filter: { "data.company.leadScore": { $gte: 80 } } });
  await post("/tenants/acme/lists", { name: "targets", items: ["halden.example", "norrvik.example"] });
  await post("/tenants/acme/signals/catalogs/visits", {});
  await post("/tenants/acme/keys", { name: "Grafana", role: "viewer" });
}

/** The pages of the README, by what their pictures are called. */
function shownOf({ endpoint, delivery }) {
  const at = "/dashboard/tenants/acme";
  return {
    overview: at,
    endpoint: `${at}/endpoints/${endpoint}`,
    delivery: `${at}/endpoints/${endpoint}/deliveries/${delivery}`,
  };
}

/** Every page, by what its pictures are called. */
function pagesOf({ endpoint, delivery, event }) {
  const at = "/dashboard/tenants/acme";
  const lists = [
    "endpoints",
    "endpoints/new",
    "deliveries",
    "events",
    "event-types",
    "event-types/lead.hot",
    "segments",
  ];
  const others = [
    "automations",
    "automations/new",
    "signals",
    "lists",
    "lists/targets",
    "keys",
    "audit",
    "portal-links",
    "search",
  ];
  const tabs = ["deliveries", "test", "verify", "settings", "audit", "delete"].map(
    (tab) => `endpoints/${endpoint}/${tab}`,
  );
  const named = [...lists, ...others, `events/${event}`, ...tabs].map((path) => [nameOf(path), `${at}/${path}`]);
  return {
    now: "/dashboard/now",
    tenants: "/dashboard/tenants",
    ...shownOf({ endpoint, delivery }),
    ...Object.fromEntries(named),
    empty: "/dashboard/tenants/empty",
    "empty-deliveries": "/dashboard/tenants/empty/deliveries",
    "empty-signals": "/dashboard/tenants/empty/signals",
    "no-match": `${at}/deliveries?status=canceled`,
    toast: `${at}/endpoints?done=disabled&of=${endpoint}`,
  };
}

/** A path as a file's name; ids are left out. */
function nameOf(path) {
  return path
    .replaceAll(/\/?[a-z]+_[0-9A-Z]{26}\/?/g, "-one-")
    .replaceAll("/", "-")
    .replace(/-$/, "");
}

/** Takes pictures of pages, as the operator sees them. `take`: takes those of one, once it is shown. */
async function picture(base, key, pages, take) {
  const browser = await chromium.launch({ executablePath: whereChromiumIs(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: WINDOW, colorScheme: "light" });
    await page.goto(`${base}/dashboard/sign-in`);
    await take(page, "sign-in");
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(base + path);
      await take(page, name);
    }
  } finally {
    await browser.close();
  }
}

/** One of the README's, in the place that it has there. */
async function takeShown(page, name) {
  if (name === "sign-in") return;
  const file = `src/dashboard/screenshots/${name}.png`;
  await page.screenshot({ path: inProject(file), animations: "disabled" });
  say(`✓ ${file}`);
}

/** All that a page looks like, into a folder. */
const takeAll = (folder) => async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const size of WINDOWS) {
      await page.setViewportSize(size);
      await page.screenshot({
        path: join(folder, `${name}-${size.width}-${colorScheme}.png`),
        fullPage: true,
        animations: "disabled",
      });
    }
  }
  say(`✓ ${name}`);
};

async function run() {
  const { all } = parseArgs({ options: { all: { type: "string" } } }).values;
  if (whereChromiumIs() === null)
    throw new Trouble("There is no Chromium.", { remedy: ["CHROMIUM=/path/to/it npm run screenshots"] });
  const directory = await mkdtemp(join(tmpdir(), "posthorn-screenshots-"));
  const { server, url } = await receive();
  try {
    const port = await freePort();
    await copyTo(directory);
    await serve(directory, port);
    const base = `http://localhost:${port}`;
    const [, key = ""] = /^OPERATOR_KEY="(.+)"$/m.exec(await readFile(join(directory, ".dev.vars"), "utf8")) ?? [];
    const made = await fill(base, key, url);
    if (all === undefined) await picture(base, key, shownOf(made), takeShown);
    else {
      await furnish(base, key);
      await picture(base, key, pagesOf(made), takeAll(resolve(all)));
    }
  } finally {
    await endAll();
    server.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

try {
  await run();
  process.exit(0);
} catch (error) {
  if (error instanceof Trouble) complain(error.message, ...error.remedy);
  else console.error(error);
  process.exit(error.exitCode ?? 1);
}
