/**
 * What stands between the socket and the Worker where `npm start` serves it, inside the runtime: what Cloudflare does there.
 * Where the runtime's stand-ins for that would be a call to another Worker or an object for each request, it is done here.
 * @module
 */

import { env } from "cloudflare:workers";
import worker from "./worker.js";

export * from "./worker.js";
export default worker;

/** Set where somebody asked for all of the Worker's lines; without it those at error level are printed, and no other. */
const VERBOSE = "LOCAL_VERBOSE";
/** The binding of the static assets. */
const ASSETS = "LOCAL_ASSETS";
/** The rate limits of wrangler.toml, by their bindings: `{ limit, period }`, the period in seconds. */
const RATES = "LOCAL_RATES";
/** What only the Worker answers: it is not looked up among the assets first. */
const API = /^https?:\/\/[^/]+\/v1\//;

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

/** What the socket asks. */
export const Local = {
  async fetch(request, _, context) {
    if (!API.test(request.url) && (request.method === "GET" || request.method === "HEAD")) {
      const asset = await assets.fetch(request);
      if (asset.status !== 404) return asset;
    }
    const named = new Request(request);
    // Only this machine can ask.
    named.headers.set("CF-Connecting-IP", "127.0.0.1");
    return worker.fetch(named, bindings, context);
  },
};
