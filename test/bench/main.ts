/**
 * `npm run bench`: what a delivered event costs, and how far from the bare platform the code runs. Progress goes to
 * stderr; with `--json` stdout carries one object and nothing else.
 * @module
 */

import "./stdout.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { type Options, optionsOf, type Part } from "./options.ts";
import { measurePipeline } from "./pipeline.ts";
import { Receiver } from "./receiver.ts";
import { plainResults, spreadOf, table } from "./report.ts";
import { measureShards } from "./shards.ts";
import { measureSigning } from "./signing.ts";
import { answer } from "./stdout.ts";

const options = optionsOf(process.argv.slice(2));

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure({ quick, parts }: Options): Promise<Record<string, object>> {
  const directory = await mkdtemp(join(tmpdir(), "posthorn-bench-"));
  progress(`storage is ${await keepInMemory()}`);
  const effort = quick ? QUICK : FULL;
  const results: Record<string, object> = {};
  const started = Date.now();
  const receiver = await Receiver.start();
  try {
    const { posthorn, floor, signing, backlog } = await makeBundles(directory);
    const measures: Record<Part, () => Promise<object>> = {
      signing: () => measureSigning(signing, effort),
      accept: () => measureAccept(posthorn, floor, receiver, effort),
      deliver: () => measureDeliver(posthorn, floor, receiver, effort),
      pipeline: () => measurePipeline(posthorn, floor, receiver, effort),
      latency: () => measureLatency(posthorn, floor, receiver, effort.latency),
      growth: () => measureGrowth(posthorn, receiver, effort),
      shards: () => measureShards(posthorn, receiver, effort),
      backlog: () => measureBacklog(backlog),
      neighbour: () => measureNeighbour(posthorn, receiver, effort),
      cost: () => measureCosts(posthorn, receiver, quick, progress),
    };
    for (const name of parts) {
      progress(`${name} …`);
      results[name] = await measures[name]();
      for (const line of spreadOf(name, results[name])) progress(line);
      progress(`${name}: done after ${Math.round((Date.now() - started) / 1_000)} s`);
    }
  } finally {
    await receiver.stop();
    await rm(directory, { recursive: true, force: true });
  }
  return results;
}

if ("say" in options) {
  if (options.asked) answer(options.say);
  else progress(options.say);
  process.exitCode = options.asked ? 0 : 2;
} else if (options.model) {
  answer(modelTable(options.json));
} else {
  const results = await measure(options);
  answer(options.json ? JSON.stringify(plainResults(results)) : table(results));
}
