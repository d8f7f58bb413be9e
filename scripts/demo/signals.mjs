/**
 * The demo's step for signals: a company's page views are posted, and its rules tell what they amount to.
 * @module
 */

import { Trouble } from "../lib/terminal.mjs";
import { heading, row } from "./print.mjs";
import { until } from "./wait.mjs";

const HOUR = 3_600_000;

/** What a company's visitors did, when (in ms from now), its lead score then, and the events that this adds up to. */
const HISTORY = [
  { page: "/", ago: 27 * HOUR, score: 48, events: ["company.identified", "page_view"] },
  { page: "/features", ago: 26.9 * HOUR, score: 51, events: ["page_view"] },
  { page: "/pricing", ago: 26.8 * HOUR, score: 59, events: ["lead.score_changed", "page_view"] },
  {
    page: "/pricing",
    ago: 0,
    score: 74,
    events: ["lead.hot", "lead.score_changed", "visitor.returning", "page_view"],
  },
];

/** @param {import("./steps.mjs").Stage} stage */
export async function postHistory(stage) {
  const { api, tenant } = stage;
  heading("Signals: four page views of a company, and the events that ClearView's rules make of them");
  await api.signals.install(tenant, "clearview");
  // A company of this run's own: that of an earlier one is known already.
  const domain = `nordwind-${Date.now().toString(36)}.example`;
  row("company", domain);
  const emitted = [];
  for (const { page, ago, score, events: expected } of HISTORY) {
    const { events } = await api.observations.post(tenant, {
      company: { name: "Nordwind", domain, leadScore: score },
      pageView: { url: page },
      at: new Date(Date.now() - ago).toISOString(),
    });
    const types = events.map(({ event }) => event);
    if (types.join() !== expected.join()) {
      throw new Trouble(`A view of ${page} at a score of ${score} made ${types.join(", ") || "nothing"}.`);
    }
    emitted.push(...events);
    row(`score ${score}`, `${page.padEnd(12)}${types.join(", ")}`);
  }
  const arrived = await Promise.all(emitted.map((event) => delivered(stage, event)));
  row("delivered", `${arrived.length} of ${emitted.length}, verified`);
}

/** Waits until the endpoint of clearview has taken an event. */
async function delivered(stage, { id, event }) {
  const { api, tenant, endpoints, received } = stage;
  const { deliveries } = await api.events.get(tenant, id);
  const delivery = deliveries.find(({ endpoint }) => endpoint === endpoints.get("clearview").id);
  if (delivery === undefined) throw new Trouble(`${event} was emitted, but not for the endpoint of clearview.`);
  return until(stage, async () =>
    received.find((one) => one.id === delivery.id && one.genuine && one.event === event && one.answered === 200),
  );
}
