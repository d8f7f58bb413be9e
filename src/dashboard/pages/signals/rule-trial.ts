/**
 * What a rule of the form *When … and … then …* would have done with the latest events, and who will receive it.
 * @module
 */

import { PosthornError } from "../../../client/index";
import type { Event } from "../../../contracts/event";
import type { SignalRule } from "../../../contracts/signal";
import { type Filter, failingClause } from "../../../lib/filter/filter";
import { Visits } from "../../../lib/filter/visits";
import { eventId } from "../../../lib/ids";
import { isContainer, readJson } from "../../../lib/json/exact";
import { iso } from "../../../lib/time";
import { dryRun } from "../../../signals/dry-run";
import { plans } from "../../../signals/observe";
import { callTenant } from "../../api-json";
import type { FieldErrors } from "../../errors";
import { type Held, heldAgainst, latestOf } from "../../forms/held";
import type { SiteContext } from "../../site";
import { signalRefusal } from "./rule-making";
import { planOf, type RulePlan, type RuleValues } from "./rule-values";

/** The most characters of what a rule would emit. */
const MAX_EMITTED = 8_000_000;

/** What a rule would have done. */
export interface Trial {
  held: Held;
  /** The contacts of what would have set it off, as the persona takes them; `null`: it reveals none. */
  contacts: Held | null;
  /** The type of the event that endpoints get. */
  trigger: string;
}

/** Tries what the fields say. What is wrong with the fields that it does not need is left to the form's sending. */
export async function triedRule(c: SiteContext, values: RuleValues): Promise<Trial> {
  const tenant = c.req.param("tenant") ?? "";
  const { plan, unread } = planOf({ ...values, name: values.name || "rule", endpoint: values.endpoint || "none" });
  const errors = unread.length > 0 ? unread : ((await signalRefusal(c, plan))?.errors ?? []);
  const { trigger } = plan.automation;
  if (errors.length > 0) return { held: nothing(errors), contacts: null, trigger };
  const events = await latestOf(c.env, tenant);
  const filter = (plan.segment?.filter ?? null) as Filter | null;
  const held =
    plan.signal === null
      ? heldAgainst(events, tenant, filter, { wants: (type) => type === trigger })
      : signalled(events, tenant, plan.signal, filter, await listed(c, plan.signal));
  const set = new Set(held.judged.filter(({ matches }) => matches).map(({ id }) => id));
  const contacts =
    values.type === "reveal_contacts"
      ? heldAgainst(
          events.filter(({ ulid }) => set.has(eventId(ulid))),
          tenant,
          (plan.persona?.filter ?? null) as Filter | null,
          { what: "contacts" },
        )
      : null;
  return { held, contacts, trigger };
}

function nothing(errors: FieldErrors): Held {
  return { what: "events", judged: [], errors };
}

/** The entities on the list that a signal looks at. */
async function listed(c: SiteContext, { when }: NonNullable<RulePlan["signal"]>): Promise<ReadonlySet<string>> {
  const { inList } = when as { inList?: string };
  if (inList === undefined) return new Set();
  try {
    return new Set((await callTenant<{ items: string[] }>(c, "GET", ["lists", inList])).items);
  } catch (error) {
    if (error instanceof PosthornError && error.problem.status === 404) return new Set();
    throw error;
  }
}

/** The events' data as observations, in their order, of entities that nothing is known of. Pure. */
function signalled(
  events: readonly Event[],
  tenant: string,
  signal: NonNullable<RulePlan["signal"]>,
  filter: Filter | null,
  items: ReadonlySet<string>,
): Held {
  const rule = { id: "rule", filter: null, attach: null, ...signal } as unknown as SignalRule;
  const now = Date.now();
  const oldestFirst = events.toReversed().flatMap((event) => {
    const data: unknown = readJson(event.data);
    return isContainer(data) && !Array.isArray(data) ? [{ event, data }] : [];
  });
  const posted = oldestFirst.map(({ event, data }) => ({ data, text: event.data, at: event.timestamp }));
  const results = dryRun(
    [rule],
    posted,
    plans(tenant, [rule], posted, now),
    (_, key) => items.has(key),
    now,
    MAX_EMITTED,
  );
  const visits = new Visits();
  const judged = oldestFirst.map(({ event, data }, i) => {
    const fires = (results?.[i]?.events.length ?? 0) > 0;
    const subject = { event: rule.emit, tenant, timestamp: iso(event.timestamp), data };
    const one = { id: eventId(event.ulid), event: event.type, at: iso(event.timestamp) };
    if (!fires) return { ...one, matches: false, clause: null, why: "the signal would not have fired" };
    const clause = filter === null ? null : failingClause(filter, subject, visits);
    return { ...one, matches: clause === null, clause };
  });
  return { what: "events", judged: judged.toReversed(), errors: [] };
}
