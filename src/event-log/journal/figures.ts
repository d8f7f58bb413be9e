import type { Match } from "../../contracts/event";
import type { AcceptedHours, LogFigures } from "../../contracts/event-log";
import { hourOf, type Untold } from "../../contracts/figures";
import { ulidTime } from "../../lib/ids";
import type { Sql } from "../../lib/sql";
import type { State } from "./state";

/** The most characters that are kept of what endpoints have told: more is told to D1 soon enough. */
const MOST = 500_000;

/**
 * What a log knows of its deliveries' figures: how many were accepted, counted from its rows as they come, and what
 * endpoints told of their hours when it handed them their deliveries. That is for D1 to hear only now and then.
 */
export class Figures {
  readonly #sql: Sql;
  readonly #state: State;
  #accepted: Record<string, AcceptedHours> = {};
  /** The last event that is counted. */
  #upTo = "";

  constructor(sql: Sql, state: State) {
    this.#sql = sql;
    this.#state = state;
  }

  /** Events have other matches than they had. */
  recount(): void {
    this.#accepted = {};
    this.#upTo = "";
  }

  read(): LogFigures {
    const rows = this.#sql.each<{ ulid: string; event: string; matches: string }>(
      "SELECT ulid, event, matches FROM events WHERE ulid > ? ORDER BY ulid",
      this.#upTo,
    );
    for (const { ulid, event, matches } of rows) {
      this.#upTo = ulid;
      const hour = hourOf(ulidTime(ulid));
      for (const { endpoint, url } of JSON.parse(matches) as Match[]) {
        // A callback has no endpoint that anybody would count for.
        if (url !== undefined) continue;
        this.#accepted[endpoint] ??= {};
        const hours = this.#accepted[endpoint];
        hours[hour] ??= {};
        const types = hours[hour];
        types[event] = (types[event] ?? 0) + 1;
      }
    }
    return { accepted: this.#accepted, told: JSON.parse(this.#state.row.told) as Record<string, Untold> };
  }

  /** The text of what endpoints have told, with what they tell now. */
  with(told: ReadonlyMap<string, Untold>): string {
    const all = { ...(JSON.parse(this.#state.row.told) as Record<string, Untold>), ...Object.fromEntries(told) };
    const text = JSON.stringify(all);
    return text.length > MOST ? "{}" : text;
  }
}
