/**
 * The pairs of queues of deliveries in wrangler.toml: what is wrong with them, and more of them.
 * @module
 */

import { isSlowQueue, queuePairs } from "../../src/lib/queue-names.ts";

/**
 * How many whole pairs there are, and what is wrong, a sentence each.
 *
 * @param {{ producers: { binding: string, queue: string }[], consumers: { queue: string }[] }} queues as wrangler reads them
 */
export function checkQueues({ producers, consumers }) {
  const { pairs, missing } = queuePairs(producers.map(({ binding }) => binding));
  const faults = missing.map((binding) => `${binding} is not bound, though the other one of its pair is.`);
  for (const { binding, queue } of producers.filter((one) => one.binding.startsWith("DELIVERIES"))) {
    if (isSlowQueue(queue) !== binding.startsWith("DELIVERIES_SLOW")) {
      faults.push(
        `${binding} is the queue ${queue}: those of endpoints that fail end in -slow or -slow-N, no others do.`,
      );
    }
    if (!consumers.some((one) => one.queue === queue)) faults.push(`Nothing consumes the queue ${queue}.`);
  }
  return { pairs: pairs.length, faults };
}

/**
 * The text of wrangler.toml with so many pairs of queues in an environment; each new one is set as the first.
 * `null`: the queues are not written as blocks that more can follow.
 *
 * @param {string} text
 * @param {string} environment "" for the top level
 * @param {{ producers: { binding: string, queue: string }[] }} queues what it has
 * @param {number} count not fewer than it has
 */
export function withQueues(text, environment, { producers }, count) {
  const table = environment === "" ? "queues" : `env.${environment}.queues`;
  const blocks = blocksOf(text, table);
  const bound = new Map(producers.map(({ binding, queue }) => [binding, queue]));
  const first = ["DELIVERIES", "DELIVERIES_SLOW"].map((binding) => {
    const queue = bound.get(binding);
    const consumer = blocks.find(({ lines }) => lines[0] === `[[${table}.consumers]]` && says(lines, "queue", queue));
    return { binding, queue, consumer };
  });
  if (first.some(({ consumer }) => consumer === undefined)) return null;
  const { pairs } = queuePairs([...bound.keys()]);
  const added = [];
  for (let number = 1, left = count - pairs.length; left > 0; number++) {
    if (bound.has(`DELIVERIES_${number}`)) continue;
    left--;
    for (const { binding, queue } of first) {
      const lines = [`binding = "${binding}_${number}"`, `queue = "${queue}-${number}"`];
      added.push([`[[${table}.producers]]`, ...lines].join("\n"));
    }
    for (const { queue, consumer } of first) {
      const lines = consumer.lines.slice(1).filter((line) => !/^queue\s*=/.test(line));
      added.push([`[[${table}.consumers]]`, `queue = "${queue}-${number}"`, ...lines].join("\n"));
    }
  }
  const { end } = blocks.at(-1);
  return [text.slice(0, end), ...added.map((block) => `\n${block}\n`), text.slice(end)].join("");
}

/** The blocks `[[table.…]]` of a text, each with its lines, without comments, and where it ends. */
function blocksOf(text, table) {
  const blocks = [];
  for (const { 0: block, index } of text.matchAll(/^\[.*\n?(?:^[ \t]*[\w-]+[ \t]*=.*\n?)*/gm)) {
    const lines = block.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim());
    const isOurs = lines[0].startsWith(`[[${table}.`);
    if (isOurs) blocks.push({ lines: lines.filter(Boolean), end: index + block.length });
  }
  return blocks;
}

function says(lines, key, value) {
  return lines.some((line) => line.replaceAll(/\s/g, "") === `${key}="${value}"`);
}
