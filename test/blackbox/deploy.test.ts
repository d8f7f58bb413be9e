import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Unstable_Config as Config, unstable_readConfig } from "wrangler";
import { patient } from "../lib/patience";
import { Account } from "./cloudflare";
import { freePort, Project } from "./project";

const SCRIPT = "scripts/deploy.mjs";
/** A deployment is six runs of wrangler; a busy machine takes its time for each. */
const PATIENCE = { timeout: patient(900_000) };

/** `npm run deploy -- ARGS` against the account. */
async function deploy(project: Project, account: Account, args: string[], env: Record<string, string> = {}) {
  const from = account.changes.length;
  const { status, stdout, stderr } = await project.run(SCRIPT, args, { ...account.variables, ...env });
  expect(account.unknown, "calls that the stand-in does not know").toEqual([]);
  return { status, output: stdout + stderr, changes: account.changes.slice(from) };
}

function configurationOf(project: Project): string {
  return readFileSync(join(project.directory, "wrangler.toml"), "utf8");
}

function keptBy(project: Project, environment: string) {
  const path = join(project.directory, `.secrets.${environment}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/** What creates something that stays, of what a deployment did. */
function created(changes: string[]): string[] {
  return changes.filter((change) => /^POST \/(?:d1\/database|queues|queues\/[^/]+\/consumers)$/.test(change));
}

/** The Worker that the account was given, running here with the secrets that it was given, and with the project's configuration. */
async function servedFrom(account: Account, project?: Project): Promise<string> {
  const running = await Project.copy();
  const port = await freePort();
  account.workers.onDeployed = async ({ secrets }) => {
    account.workers.onDeployed = async () => {};
    const all = { ...secrets, ALLOW_INSECURE_ENDPOINTS: "true" };
    const lines = Object.entries(all).map(([name, value]) => `${name}="${value}"\n`);
    writeFileSync(join(running.directory, ".dev.vars"), lines.join(""));
    if (project !== undefined) writeFileSync(join(running.directory, "wrangler.toml"), configurationOf(project));
    await running.serve(port);
  };
  return `http://localhost:${port}`;
}

describe("npm run deploy", () => {
  it("makes all of it on an empty account, only updates then, and has a second environment", PATIENCE, async () => {
    const account = await Account.open();
    const project = await Project.copy();
    const configuration = readFileSync(join(project.directory, "wrangler.toml"), "utf8");
    const url = await servedFrom(account);

    const first = await deploy(project, account, ["--url", url]);
    expect(first.output).toMatch(
      /database posthorn is created[\s\S]*Made OPERATOR_KEY and SECRETS_KEY, kept in \.secrets\.production\.json[\s\S]*migrated, \d+ steps/,
    );
    expect(first.output).toContain("deployed at https://posthorn.stand-in.workers.dev");
    expect(first.output).toMatch(/Delivered to \S+ and signed/);
    expect(first.output).toContain(`Dashboard  ${url}/dashboard`);
    expect(first.output).toContain(`curl -X PUT ${url}/v1/tenants/acme`);
    expect(first.status).toBe(0);
    // The database is migrated before anything serves from it.
    expect(account.tables("posthorn")).toEqual(expect.arrayContaining(["tenants", "endpoints", "d1_migrations"]));
    expect(first.changes[0]).toBe("POST /d1/database");
    expect([...account.queues.keys()].toSorted()).toEqual(["deliveries", "deliveries-dead", "deliveries-slow"]);
    for (const queue of account.queues.values()) {
      expect(queue.consumers.map(({ script }) => script)).toEqual(["posthorn"]);
    }
    const kept = keptBy(project, "production");
    expect(kept).toEqual({ OPERATOR_KEY: expect.stringMatching(/^op_[\w-]{43}$/), SECRETS_KEY: expect.any(String) });
    expect(account.workers.scripts.get("posthorn")?.secrets).toEqual(kept);
    expect(statSync(join(project.directory, ".secrets.production.json")).mode & 0o777).toBe(0o600);
    const ignored = execFileSync("git", ["check-ignore", ".secrets.production.json", ".secrets.x.json.new"]);
    expect(ignored.toString().trim().split("\n")).toHaveLength(2);
    for (const secret of Object.values<string>(kept)) expect(first.output).not.toContain(secret);

    const second = await deploy(project, account, ["--url", url]);
    expect(second.output).toMatch(
      /database posthorn is there[\s\S]*secrets are there, and stay[\s\S]*database is up to date[\s\S]*Delivered to/,
    );
    expect(second.status).toBe(0);
    expect(created(second.changes)).toEqual([]);
    expect(keptBy(project, "production")).toEqual(kept);
    expect(account.workers.scripts.get("posthorn")).toMatchObject({ secrets: kept, deployments: 2 });

    // A queue is there already, and a key that was kept: neither is made.
    account.addQueue("staging-deliveries-slow");
    const file = join(project.directory, ".secrets.staging.json");
    writeFileSync(file, JSON.stringify({ OPERATOR_KEY: kept.OPERATOR_KEY }));
    const staging = await deploy(project, account, ["--env", "staging", "--url", url]);
    expect(staging.output).toMatch(/database posthorn-staging is created[\s\S]*Made SECRETS_KEY, kept in/);
    expect(staging.status).toBe(0);
    expect(created(staging.changes).filter((change) => !change.endsWith("/consumers"))).toEqual([
      "POST /d1/database",
      "POST /queues",
      "POST /queues",
    ]);
    expect([...account.queues.keys()].filter((name) => name.startsWith("staging-")).toSorted()).toEqual([
      "staging-deliveries",
      "staging-deliveries-dead",
      "staging-deliveries-slow",
    ]);
    const staged = keptBy(project, "staging");
    expect(staged).toEqual({ OPERATOR_KEY: kept.OPERATOR_KEY, SECRETS_KEY: expect.any(String) });
    expect(staged.SECRETS_KEY).not.toBe(kept.SECRETS_KEY);
    expect(account.workers.scripts.get("posthorn-staging")).toMatchObject({ secrets: staged, deployments: 1 });
    // Nothing of the first one was touched.
    expect(account.workers.scripts.get("posthorn")).toMatchObject({ secrets: kept, deployments: 2 });
    expect(account.queues.get("deliveries")?.consumers).toHaveLength(1);
    expect(readFileSync(join(project.directory, "wrangler.toml"), "utf8")).toBe(configuration);
  });

  it(
    "says of each step that fails what happened and what to do, and goes on there the next time",
    PATIENCE,
    async () => {
      const account = await Account.open();
      const project = await Project.copy();
      const sick = createServer((request, response) => {
        response.writeHead(request.url === "/health" ? 200 : 500).end("{}");
      });
      sick.listen(0, "127.0.0.1");
      await once(sick, "listening");
      onTestFinished(() => void sick.close());
      const fails = async (refuse: RegExp | null, env: Record<string, string> = {}) => {
        account.refuse = refuse;
        const url = `http://127.0.0.1:${(sick.address() as AddressInfo).port}`;
        const { status, output, changes } = await deploy(project, account, ["--url", url], env);
        expect(status, output).toBe(1);
        return { output, changes };
      };

      const stranger = await fails(null, { CLOUDFLARE_API_TOKEN: "another" });
      expect(stranger.output).toMatch(/does not list the databases[\s\S]*Nothing was changed[\s\S]*npx wrangler login/);
      const full = await fails(/^POST \/d1\/database$/);
      expect(full.output).toMatch(
        /posthorn could not be created[\s\S]*The stand-in refuses[\s\S]*run the same command again/,
      );
      expect(account.databases.size).toBe(0);
      expect(keptBy(project, "production")).toBeUndefined();

      const unmigrated = await fails(/\/query$/);
      expect(unmigrated.output).toMatch(/could not be migrated[\s\S]*the Worker was not touched/);
      const kept = keptBy(project, "production");
      expect(Object.keys(kept)).toEqual(["OPERATOR_KEY", "SECRETS_KEY"]);

      const undeployed = await fails(/^PUT \/workers\/scripts/);
      expect(undeployed.output).toMatch(/could not be deployed[\s\S]*The database is migrated/);
      expect(created(undeployed.changes)).toEqual(["POST /queues", "POST /queues", "POST /queues"]);
      expect(account.workers.scripts.size).toBe(0);

      const silent = await fails(null);
      expect(silent.output).toMatch(/secrets are those of \.secrets\.production\.json[\s\S]*up to date/);
      expect(silent.output).toMatch(/Worker is deployed, and the event did not come through[\s\S]*npx wrangler tail/);
      expect(account.workers.scripts.get("posthorn")?.secrets).toEqual(kept);
      expect(account.databases.size).toBe(1);
    },
  );

  it("makes as many pairs of queues as it is told, each environment its own, and never fewer", PATIENCE, async () => {
    const account = await Account.open();
    const project = await Project.copy();
    const file = join(project.directory, "wrangler.toml");
    const before = configurationOf(project);
    const named = (...names: string[]) => names.flatMap((name) => [`deliveries${name}`, `deliveries-slow${name}`]);
    const refused = async (args: string[]) => {
      const { status, output } = await deploy(project, account, args);
      expect(status, output).toBe(2);
      return output;
    };

    expect(await refused(["--queues", "1.5"])).toMatch(/no number from 1 to 100/);
    // An event goes through the local form with so many queues, too.
    const first = await deploy(project, account, ["--queues", "3", "--url", await servedFrom(account, project)]);
    expect(first.output).toMatch(/deliveries-slow-2[\s\S]*Delivered to \S+ and signed/);
    expect(first.status).toBe(0);
    expect([...account.queues.keys()].toSorted()).toEqual([...named("", "-1", "-2"), "deliveries-dead"].toSorted());
    const bound = account.workers.scripts.get("posthorn")?.bindings.filter(({ type }) => type === "queue") ?? [];
    expect(bound.map(({ name, queue_name }) => [name, queue_name])).toEqual(
      expect.arrayContaining([
        ["DELIVERIES_2", "deliveries-2"],
        ["DELIVERIES_SLOW_2", "deliveries-slow-2"],
      ]),
    );
    for (const queue of named("", "-1", "-2")) {
      expect(account.queues.get(queue)?.consumers).toEqual([
        expect.objectContaining({ script: "posthorn", dead_letter_queue: "deliveries-dead" }),
      ]);
    }

    // In a build at Cloudflare, which takes the file as it is.
    const CI = { CI: "true", WORKERS_CI: "1" };
    const written = configurationOf(project);
    const again = await deploy(project, account, ["--queues", "3"], CI);
    expect([again.status, created(again.changes)]).toEqual([0, []]);
    expect(configurationOf(project)).toBe(written);
    account.addDatabase("posthorn-staging");
    const staging = await deploy(project, account, ["--env", "staging", "--queues", "2"], CI);
    expect(staging.status, staging.output).toBe(0);
    expect([...account.queues.keys()].filter((name) => name.startsWith("staging-")).toSorted()).toEqual(
      [...named("", "-1"), "deliveries-dead"].map((name) => `staging-${name}`).toSorted(),
    );
    expect(account.queues.get("staging-deliveries-slow-1")?.consumers).toEqual([
      expect.objectContaining({ script: "posthorn-staging", dead_letter_queue: "staging-deliveries-dead" }),
    ]);
    // What stood there stands there still.
    const lines = configurationOf(project).split("\n");
    expect(before.split("\n").every((line) => lines.splice(0, lines.indexOf(line) + 1).length > 0)).toBe(true);

    const asked = account.asked;
    expect(await refused(["--queues", "2"])).toMatch(/There are 3 pairs of queues, and messages may be under way/);
    const half = '[[queues.producers]]\nbinding = "DELIVERIES_SLOW_1"\nqueue = "deliveries-slow-1"\n';
    expect(written).toContain(half);
    writeFileSync(file, written.replace(half, "").replace('queue = "deliveries-2"\nmax', 'queue = "another"\nmax'));
    const incomplete = await refused([]);
    expect(incomplete).toContain("DELIVERIES_SLOW_1 is not bound, though the other one of its pair is.");
    expect(incomplete).toContain("Nothing consumes the queue deliveries-2.");
    expect(account.asked).toBe(asked);
  });

  it("spreads tenants over so many databases as it is told once, and never over fewer", PATIENCE, async () => {
    const account = await Account.open();
    const project = await Project.copy();
    const configuration = () => readFileSync(join(project.directory, "wrangler.toml"), "utf8");
    const before = configuration();
    const url = await servedFrom(account);
    account.addDatabase("posthorn");

    const first = await deploy(project, account, ["--databases", "2", "--url", url]);
    expect(first.output).toMatch(
      /posthorn is there[\s\S]*posthorn-1 is created[\s\S]*posthorn is migrated, \d+ steps[\s\S]*posthorn-1 is migrated, \d+ steps[\s\S]*deployed at/,
    );
    expect(first.status).toBe(0);
    expect(account.tables("posthorn-1")).toEqual(account.tables("posthorn"));
    const named = configuration();
    const added = '\n[[d1_databases]]\nbinding = "DB_1"\ndatabase_name = "posthorn-1"\nmigrations_dir = "migrations"\n';
    expect(named.replace(added, "")).toBe(before);
    expect(named.indexOf(added)).toBeLessThan(named.indexOf("# Durable Objects know"));

    const second = await deploy(project, account, ["--url", url]);
    expect(second.output).toMatch(/posthorn is up to date[\s\S]*posthorn-1 is up to date/);
    expect(created(second.changes)).toEqual([]);
    const asked = account.asked;
    for (const [count, said] of [
      ["1", /There are 2 databases, and tenants may be in each of them[\s\S]*--databases 2 leaves it at that/],
      ["none", /--databases is "none"; it is a number from 1 to 16/],
    ] as const) {
      const refused = await deploy(project, account, ["--databases", count]);
      expect([refused.status, refused.output]).toEqual([2, expect.stringMatching(said)]);
    }
    expect(account.asked).toBe(asked);
    expect(configuration()).toBe(named);
  });

  it("refuses an environment that there is not, and a dry run asks nobody", PATIENCE, async () => {
    const account = await Account.open();
    const project = await Project.copy();
    const unknown = await deploy(project, account, ["--env", "prod"]);
    expect(unknown.output).toMatch(/no environment "prod" in wrangler\.toml[\s\S]*There is: staging/);
    expect(unknown.status).toBe(2);
    account.refuse = /./;
    const rehearsed = await deploy(project, account, ["--dry-run"], { CLOUDFLARE_ENV: "staging" });
    expect(rehearsed.output).toMatch(/create the database posthorn-staging[\s\S]*staging-deliveries-dead/);
    expect(rehearsed.status).toBe(0);
    expect(keptBy(project, "staging")).toBeUndefined();
    expect(account.asked).toBe(0);
  });

  it(
    "makes no key on a machine that goes away: in CI it takes them, after the deploy button they are there",
    PATIENCE,
    async () => {
      const account = await Account.open();
      const project = await Project.copy();
      account.addDatabase("posthorn");
      const keyless = await deploy(project, account, [], { CI: "true" });
      expect(keyless.output).toMatch(/has no OPERATOR_KEY[\s\S]*CI is set/);
      expect(keyless.status).toBe(1);
      expect(keyless.changes).toEqual([]);

      const script = {
        secrets: { OPERATOR_KEY: "a", SECRETS_KEY: "b" },
        bindings: [],
        deployments: 1,
        tag: "v2",
        from: "api",
      };
      account.workers.scripts.set("posthorn", script);
      const button = await deploy(project, account, [], { CI: "true", WORKERS_CI: "1" });
      expect(button.output).toMatch(
        /migrated[\s\S]*! Edits that have been made via the script API will be overridden[\s\S]*deployed at https:\/\/posthorn\.stand-in/,
      );
      expect(button.status).toBe(0);
      expect(account.workers.scripts.get("posthorn")).toMatchObject({ secrets: script.secrets, deployments: 2 });
      expect(keptBy(project, "production")).toBeUndefined();
    },
  );
});

describe("the environments of wrangler.toml", () => {
  const file = join(import.meta.dirname, "../../wrangler.toml");
  const first: Config = unstable_readConfig({ config: file, env: "" });
  const staging: Config = unstable_readConfig({ config: file, env: "staging" });

  it("differ in nothing but what they must not share", () => {
    const renamed = ({ ratelimits, queues, ...config }: Config) => {
      const { name: _, targetEnvironment: __, topLevelName: ___, definedEnvironments: ____, ...rest } = config;
      // Each has as many as it needs.
      const isFirst = ({ queue }: { queue?: string }) => !/-\d+$/.test(queue ?? "");
      const first = { producers: queues.producers?.filter(isFirst), consumers: queues.consumers?.filter(isFirst) };
      const text = JSON.stringify({
        ...rest,
        queues: first,
        ratelimits: ratelimits.map(({ namespace_id, ...one }) => one),
      });
      return JSON.parse(
        text.replaceAll('"staging-deliveries', '"deliveries').replaceAll('"posthorn-staging"', '"posthorn"'),
      );
    };
    expect(renamed(staging)).toEqual(renamed(first));
    const shared = (config: Config) => [
      `worker ${config.name}`,
      ...config.d1_databases.map(({ database_name }) => database_name),
      ...(config.queues.producers ?? []).map(({ queue }) => queue),
      ...config.ratelimits.map(({ namespace_id }) => namespace_id),
    ];
    expect(new Set([...shared(first), ...shared(staging)]).size).toBe(shared(first).length * 2);
  });

  it("name their queues as the Worker tells them apart", () => {
    const ending = (name = "") => /(?:-(?:slow|dead))?(?:-\d+)?$/.exec(name)?.[0] ?? "";
    for (const { producers = [], consumers = [] } of [first.queues, staging.queues]) {
      const bound = Object.fromEntries(producers.map(({ binding, queue }) => [binding, ending(queue)]));
      expect(bound).toMatchObject({ DELIVERIES: "", DELIVERIES_SLOW: "-slow", DELIVERIES_DEAD: "-dead" });
      for (const [binding, name] of Object.entries(bound)) {
        expect(binding).toBe(`DELIVERIES${name.toUpperCase().replaceAll("-", "_")}`);
      }
      expect(consumers.map(({ queue }) => queue).toSorted()).toEqual(producers.map(({ queue }) => queue).toSorted());
    }
  });
});
