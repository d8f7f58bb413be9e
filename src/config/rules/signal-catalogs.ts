import type { SignalRule } from "../../contracts/signal";
import { HOUR, MINUTE, SECOND } from "../../lib/time";
import type { ProfileName } from "../endpoints/profiles";

/** A vendor's rule; what it does not say is `null`. */
export type CatalogSignal = Omit<SignalRule, "id" | "filter" | "attach"> &
  Partial<Pick<SignalRule, "filter" | "attach">>;

/** ClearView's page: a lead is hot from 70 on; Clarm's says the same of intent. */
const HOT = 70;
/** ClearView's page: a score has changed when it moved by 5 or more. */
const MOVED = 5;
/** ClearView's page: a known company returns after 24 hours or more. */
const AWAY = (24 * HOUR) / SECOND;
/** A session ends after 30 minutes of silence, as analytics have it; no page says. */
const SESSION = (30 * MINUTE) / SECOND;

const company = "company.domain";

const clearview: CatalogSignal[] = [
  { name: "Company identified", emit: "company.identified", entity: company, when: { once: true } },
  {
    name: "Lead turned hot",
    emit: "lead.hot",
    entity: company,
    when: { crosses: { path: "company.leadScore", threshold: HOT } },
  },
  {
    name: "Lead score changed",
    emit: "lead.score_changed",
    entity: company,
    when: { changesBy: { path: "company.leadScore", atLeast: MOVED } },
    attach: { previousScore: "previous", newScore: "current" },
  },
  { name: "Watched company on the site", emit: "watchlist.hit", entity: company, when: { inList: "watchlist" } },
  { name: "Company came back", emit: "visitor.returning", entity: company, when: { returnsAfter: { seconds: AWAY } } },
  // Its observations are page views.
  { name: "Page viewed", emit: "page_view", entity: company, when: { every: true } },
];

const clarm: CatalogSignal[] = [
  {
    name: "Visitor's company found",
    emit: "visitor_enriched",
    entity: "visitor_id",
    filter: { "data.company": { $exists: true, $ne: null } },
    when: { once: true },
  },
  {
    name: "High intent",
    emit: "high_intent_visitor",
    entity: "visitor_id",
    when: { crosses: { path: "intent_score", threshold: HOT } },
  },
];

const snitcher: CatalogSignal[] = [
  { name: "New lead", emit: "new_lead", entity: company, when: { once: true } },
  { name: "New session", emit: "new_session", entity: company, when: { returnsAfter: { seconds: SESSION } } },
];

/** Its observations are visits. */
const visits: CatalogSignal[] = [
  { name: "New visit", emit: "NEW_VISIT", entity: "visitor.id", when: { every: true } },
  { name: "New visitor", emit: "NEW_VISITOR", entity: "visitor.id", when: { once: true } },
];

/** The vendors' rules, by profile: when their pages say that their events fire. */
const CATALOGS: ReadonlyMap<string, readonly CatalogSignal[]> = new Map<ProfileName, readonly CatalogSignal[]>([
  ["clearview", clearview],
  ["clarm", clarm],
  ["snitcher", snitcher],
  ["visits", visits],
]);

/** The profiles whose vendors' pages say when events fire. */
export const SIGNAL_CATALOG_NAMES: readonly string[] = [...CATALOGS.keys()];

/** The rules of a profile's vendor; `null` when it has none. */
export function signalCatalogOf(profile: string): readonly CatalogSignal[] | null {
  return CATALOGS.get(profile) ?? null;
}
