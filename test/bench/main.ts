/**
 * `npm run bench`: what a delivered event costs, and how far from the bare platform the code runs. Progress goes to
 * stderr; with `--json` stdout carries one object and nothing else.
 * @module
 */

import "./stdout.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureAccept } from "./accept.ts";
import { measureBacklog } from "./backlog.ts";
import { makeBundles } from "./bundles.ts";
import { measureCosts } from "./cost.ts";
import { measureDeliver } from "./deliver.ts";
import { FULL, QUICK } from "./effort.ts";
import { measureGrowth } from "./growth.ts";
import { measureLatency } from "./latency.ts";
import { keepInMemory } from "./memory.ts";
import { modelTable } from "./model-table.ts";
import { measureNeighbour } from "./neighbour.ts";
import { measurePipeline } from "./pipeline.ts";
import { Receiver } from "./receiver.ts";
import { plainResults, spreadOf, table } from "./report.ts";
import { measureSigning } from "./signing.ts";
import { answer } from "./stdout.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    model: { type: "boolean", default: false },
    /** Shows in half a minute that the bench works; only its counts mean something. */
    quick: { type: "boolean", default: false },
    /** One part only. */
    only: { type: "string" },
  },
});

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure(): Promise<Record<string, object>> {
  const directory = await mkdtemp(join(tmpdir(), "posthorn-bench-"));
  progress(`storage is ${await keepInMemory()}`);
  const effort = options.quick ? QUICK : FULL;
  const results: Record<string, object> = {};
  const started = Date.now();
  const receiver = await Receiver.start();
  try {
    const { posthorn, floor, signing, backlog } = await makeBundles(directory);
    const parts: Record<string, () => Promise<object>> = {
      signing: () => measureSigning(signing, effort),
      accept: () => measureAccept(posthorn, floor, receiver, effort),
      deliver: () => measureDeliver(posthorn, floor, receiver, effort),
      pipeline: () => measurePipeline(posthorn, floor, receiver, effort),
      latency: () => measureLatency(posthorn, floor, receiver, effort.latency),
      growth: () => measureGrowth(posthorn, receiver, effort),
      backlog: () => measureBacklog(backlog),
      neighbour: () => measureNeighbour(posthorn, receiver, effort),
      cost: () => measureCosts(posthorn, receiver, options.quick, progress),
    };
    for (const [name, part] of Object.entries(parts)) {
      if (options.only !== undefined && options.only !== name) continue;
      progress(`${name} …`);
      results[name] = await part();
      for (const line of spreadOf(name, results[name])) progress(line);
      progress(`${name}: done after ${Math.round((Date.now() - started) / 1_000)} s`);
    }
  } finally {
    await receiver.stop();
    await rm(directory, { recursive: true, force: true });
  }
  return results;
}

if (options.model) {
  answer(modelTable(options.json));
} else {
  const results = await measure();
  answer(options.json ? JSON.stringify(plainResults(results)) : table(results));
}
