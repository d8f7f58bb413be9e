import { parseArgs } from "node:util";

/** The parts, in the order in which they run: what needs a quiet machine before what leaves it busy. */
export const PARTS = [
  "signing",
  "accept",
  "deliver",
  "pipeline",
  "latency",
  "growth",
  "shards",
  "backlog",
  "neighbour",
  "cost",
] as const;
export type Part = (typeof PARTS)[number];

const USAGE = `npm run bench -- [--only PART[,PART]] [--quick] [--json]
npm run bench -- --model [--json]

  --only   some of the parts: ${PARTS.join(", ")}
  --quick  shows in half a minute that the bench works; only its counts mean something
  --model  how far a deployment goes, from 100 tenants to 1,000,000, and its bill; measures nothing
  --json   one JSON object on standard output, and nothing else`;

export interface Options {
  json: boolean;
  model: boolean;
  quick: boolean;
  parts: readonly Part[];
}

/** What the command line asks for, or what to tell whoever wrote it, and whether that was asked for. Pure. */
export function optionsOf(args: string[]): Options | { say: string; asked: boolean } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        json: { type: "boolean", default: false },
        model: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { only, help, ...options } = values;
    if (help) return { say: USAGE, asked: true };
    const named = only.flatMap((names) => names.split(","));
    const unknown = named.find((name) => !PARTS.some((part) => part === name));
    if (unknown !== undefined) return { say: `There is no part "${unknown}".\n\n${USAGE}`, asked: false };
    return { ...options, parts: PARTS.filter((part) => named.length === 0 || named.includes(part)) };
  } catch (error) {
    return { say: `${error instanceof Error ? error.message : error}\n\n${USAGE}`, asked: false };
  }
}
