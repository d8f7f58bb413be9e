import { type Delivery, type Match, refTo } from "../../contracts/event";
import type { Untold } from "../../contracts/figures";
import { deliveryId, ulidTime } from "../../lib/ids";
import type { Sql } from "../../lib/sql";
import type { Figures } from "./figures";
import type { EventRow } from "./rows";
import type { State } from "./state";

/** The most events handed over in one go. */
const PAGE = 500;

/** Deliveries that their endpoints have not confirmed, by endpoint, and how far into the log they reach. */
export interface Handover {
  refs: Map<string, Delivery[]>;
  /** The pointer once all of it is handed over. */
  upTo: string;
  /** Those among them that an earlier handover could not hand over. */
  left: ReadonlySet<string>;
  /** The ULIDs of events whose contacts are to be revealed. */
  reveals: string[];
  /** Whose turn it then was last among what is left below the pointer. */
  turn: Turn;
}

/** The last ones of a page of what is left below the pointer; "": the next page is the first. */
interface Turn {
  delivery: string;
  reveal: string;
}

/**
 * What of a log is not yet owned by an endpoint: all above the pointer, and below it what `unconfirmed` and `unrevealed`
 * name. Every method is synchronous.
 */
export class Pointer {
  readonly #sql: Sql;
  readonly #state: State;
  readonly #figures: Figures;
  /** In memory only. */
  #turn: Turn = { delivery: "", reveal: "" };

  constructor(sql: Sql, state: State, figures: Figures) {
    this.#sql = sql;
    this.#state = state;
    this.#figures = figures;
  }

  /** What was accepted up to `before` (ms) and is not confirmed, oldest first, a page at a time. */
  handover(before: number): Handover {
    const refs = new Map<string, Delivery[]>();
    const add = (endpoint: string, ref: Delivery) => {
      const known = refs.get(endpoint);
      if (known) known.push(ref);
      else refs.set(endpoint, [ref]);
    };
    // In turns: the first of them may be of an endpoint that stays out of reach.
    const left = this.#sql.all<{ delivery: string; endpoint: string; event: string; test: number }>(
      "SELECT delivery, endpoint, event, test FROM unconfirmed WHERE delivery > ? ORDER BY delivery LIMIT ?",
      this.#turn.delivery,
      PAGE,
    );
    for (const { delivery, endpoint, event, test } of left) add(endpoint, refTo(delivery, event, test));
    const { confirmed } = this.#state.row;
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "event" | "matches" | "reveal">>(
      "SELECT ulid, event, matches, reveal FROM events WHERE ulid > ? ORDER BY ulid LIMIT ?",
      confirmed,
      PAGE,
    );
    let upTo = confirmed;
    const page = rows.filter(({ ulid }) => ulidTime(ulid) <= before);
    const unrevealed = this.#sql.all<{ ulid: string }>(
      "SELECT ulid FROM unrevealed WHERE ulid > ? ORDER BY ulid LIMIT ?",
      this.#turn.reveal,
      PAGE,
    );
    const turn = {
      delivery: left.length < PAGE ? "" : (left.at(-1)?.delivery ?? ""),
      reveal: unrevealed.length < PAGE ? "" : (unrevealed.at(-1)?.ulid ?? ""),
    };
    const reveals = unrevealed.map(({ ulid }) => ulid);
    for (const { ulid, event, matches, reveal } of page) {
      upTo = ulid;
      if (reveal !== null) reveals.push(ulid);
      for (const [index, { endpoint, test }] of (JSON.parse(matches) as Match[]).entries()) {
        add(endpoint, refTo(deliveryId(ulid, index), event, test));
      }
    }
    return { refs, upTo, left: new Set(left.map(({ delivery }) => delivery)), reveals, turn };
  }

  /**
   * Moves the pointer past a handover. What could not be handed to its endpoint stays owned by this log, in
   * `unconfirmed`, so that one endpoint out of reach keeps nobody else's events waiting. `told`: what endpoints told of
   * their figures meanwhile.
   */
  confirm(
    handover: Handover,
    unreachable: ReadonlySet<string>,
    unrevealed: ReadonlySet<string> = new Set(),
    told: ReadonlyMap<string, Untold> = new Map(),
  ): void {
    for (const ulid of handover.reveals) {
      const change = unrevealed.has(ulid)
        ? "INSERT OR IGNORE INTO unrevealed (ulid) VALUES (?)"
        : "DELETE FROM unrevealed WHERE ulid = ?";
      this.#sql.all(change, ulid);
    }
    for (const [endpoint, refs] of handover.refs) {
      for (const ref of refs) {
        if (unreachable.has(endpoint)) this.leave(ref, endpoint);
        else if (handover.left.has(ref.id)) this.#sql.all("DELETE FROM unconfirmed WHERE delivery = ?", ref.id);
      }
    }
    // Together, since it is one row.
    if (handover.upTo !== this.#state.row.confirmed) {
      this.#state.set({ confirmed: handover.upTo, ...(told.size > 0 ? { told: this.#figures.with(told) } : {}) });
    }
    this.#turn = handover.turn;
  }

  /** The log goes on owning a delivery below its pointer. */
  leave({ id, type, test }: Delivery, endpoint: string): void {
    this.#sql.all(
      "INSERT OR IGNORE INTO unconfirmed (delivery, endpoint, event, test) VALUES (?, ?, ?, ?)",
      id,
      endpoint,
      type,
      test === true ? 1 : 0,
    );
  }

  /** When the next handover is due: `after` ms past the oldest event that is not confirmed. `null`: nothing waits. */
  next(now: number, after: number): number | null {
    const oldest = this.#sql.first<{ ulid: string }>(
      "SELECT ulid FROM events WHERE ulid > ? ORDER BY ulid LIMIT 1",
      this.#state.row.confirmed,
    );
    const next = oldest === null ? null : Math.max(ulidTime(oldest.ulid) + after, now + 1);
    const left = "SELECT 1 FROM unconfirmed UNION ALL SELECT 1 FROM unrevealed LIMIT 1";
    if (this.#sql.first(left) === null) return next;
    const goesOn = this.#turn.delivery !== "" || this.#turn.reveal !== "";
    return Math.min(next ?? Number.POSITIVE_INFINITY, goesOn ? now + 1 : now + after / 2);
  }
}
