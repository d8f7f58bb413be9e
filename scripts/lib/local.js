/**
 * What stands between the socket and the Worker where `npm start` serves it, inside the runtime: what Cloudflare does there.
 * Where the runtime's stand-ins for that would be a call to another Worker or an object for each request, it is done here.
 * @module
 */

import { env } from "cloudflare:workers";
import worker from "./worker.mjs";

export * from "./worker.mjs";
export default worker;

/** Set where somebody asked for all of the Worker's lines; without it those at error level are printed, and no other. */
const VERBOSE = "LOCAL_VERBOSE";
/** The binding of the static assets. */
const ASSETS = "LOCAL_ASSETS";
/** The rate limits of wrangler.toml, by their bindings: `{ limit, period }`, the period in seconds. */
const RATES = "LOCAL_RATES";
/** What only the Worker answers: it is not looked up among the assets first. */
const API = /^https?:\/\/[^/]+\/v1\//;

/** What is compressed. */
const TEXT = /^(?:text\/|application\/(?:javascript|json)|image\/svg)/;

/** As much of a rate limit as Cloudflare's has: so many calls for each key, counted anew in each period. */
class Rate {
  #counts = new Map();
  #period = 0;

  constructor({ limit, period }) {
    this.most = limit;
    this.ms = period * 1_000;
  }

  async limit({ key }) {
    const period = Math.floor(Date.now() / this.ms);
    if (period !== this.#period) this.#counts.clear();
    this.#period = period;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return { success: count <= this.most };
  }
}

const { [VERBOSE]: isVerbose, [ASSETS]: assets, [RATES]: rates, ...bindings } = env;
for (const [name, simple] of Object.entries(rates)) bindings[name] = new Rate(simple);

// A line costs more on its way out than the step that it tells of.
const { log } = console;
if (!isVerbose) console.log = (line) => (String(line).includes('"level":"error"') ? log(line) : undefined);

/** The Worker's answer, which is told who asks: only this machine can. */
function answerOf(request, context) {
  const named = new Request(request);
  named.headers.set("CF-Connecting-IP", "127.0.0.1");
  return worker.fetch(named, bindings, context);
}

/** An asset if there is one, else the Worker's page. */
async function pageOf(request, context) {
  if (request.method !== "GET" && request.method !== "HEAD") return answerOf(request, context);
  const asset = await assets.fetch(request);
  return asset.status === 404 ? answerOf(request, context) : asset;
}

/** As the browser likes it best: the runtime compresses a body of which the header says so. */
function compressed(response, request) {
  const { body, headers } = response;
  const isWanted = request.headers.get("Accept-Encoding")?.includes("gzip") && body !== null;
  if (!isWanted || headers.has("Content-Encoding") || !TEXT.test(headers.get("Content-Type"))) return response;
  const smaller = new Response(body, response);
  smaller.headers.set("Content-Encoding", "gzip");
  smaller.headers.append("Vary", "Accept-Encoding");
  smaller.headers.delete("Content-Length");
  return smaller;
}

/** What the socket asks. */
export const Local = {
  async fetch(request, _, context) {
    if (API.test(request.url)) return answerOf(request, context);
    return compressed(await pageOf(request, context), request);
  },
};
