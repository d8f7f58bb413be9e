import type { Firing, ObserveRequest, Refused, RevealRequest } from "../lib/entity";
import { newId, ulidTime } from "../lib/ids";
import { CONTACT_REVEALED } from "../lib/signal";
import type { Sql } from "../lib/sql";
import { DAY, MINUTE } from "../lib/time";
import { KEY_LIFE } from "./claim";
import { attachedOf, evaluate, type Fire, type RuleMemory } from "./forms";
import { judgeBy } from "./judge";
import type { Emission, Outcome, Pending, Remembered, Taken } from "./remembered";
import { STEPS } from "./schema";

/** A row that changes nothing but the time is written so often at most, in ms. */
const TOUCH_AFTER = DAY;
/** How far the clocks of isolates may be apart, and their configurations, in ms. */
const SKEW = MINUTE;

interface Row {
  slot: number;
  seq: number;
  fingerprint: string | null;
  pending: string | null;
  data: string | null;
  outcome: string;
}

/** A row as it is known without reading it. */
interface Slot {
  slot: number;
  seq: number;
  at: number;
  key: string | null;
  pending: boolean;
}

/**
 * What signals remember of an entity. Every method is synchronous and takes the time (ms), so that each is one
 * transaction of the object and can be driven by any clock.
 */
export class Recollection {
  readonly #sql: Sql;
  readonly #slots = new Map<number, Slot>();
  #newest: Slot | null = null;
  /** JSON, as the newest row has it. */
  #memory = "{}";

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.migrate(STEPS);
    const rows = sql.all<Omit<Slot, "pending"> & { pending: number }>(
      "SELECT slot, seq, at, key, pending IS NOT NULL AS pending FROM observations",
    );
    for (const row of rows) this.#note({ ...row, pending: row.pending === 1 });
    if (this.#newest === null) return;
    const { slot } = this.#newest;
    this.#memory = (
      sql.first<{ memory: string }>("SELECT memory FROM observations WHERE slot = ?", slot) as { memory: string }
    ).memory;
  }

  /** When anything was last written, in ms, to the day; `null`: never. */
  get seenAt(): number | null {
    return this.#newest?.at ?? null;
  }

  /** Whether something that fired is not known to be emitted. */
  get hasPending(): boolean {
    return [...this.#slots.values()].some(({ pending }) => pending);
  }

  /**
   * Holds observations against the rules, in their order; decides over all keys before it changes anything. A rule that
   * would fire what a schema refuses is left alone.
   */
  observe(request: ObserveRequest, now: number): Taken {
    const { observations, rules, live, asOf, schemas, strict } = request;
    const repeats = observations.map(({ idempotency }) =>
      idempotency === undefined ? null : this.#find(`o:${idempotency.key}`, now),
    );
    const conflicting = repeats.some(
      (repeat, i) => repeat !== null && repeat.fingerprint !== observations[i]?.idempotency?.fingerprint,
    );
    if (conflicting) return { kind: "conflict" };
    const memory = pruned(JSON.parse(this.#memory), new Set(live), asOf);
    const judge = judgeBy(schemas ?? new Map());
    const found = observations.map(({ text, at, rules: concerned, listed }, i) => {
      if (repeats[i]) return { pending: null, refused: [], after: "" };
      const data = JSON.parse(text) as object;
      const seen = { data, at: at ?? now, listed: new Set(listed) };
      const refused: Refused[] = [];
      const emissions = concerned.flatMap((index) => {
        const rule = rules[index] as Firing;
        const { fire, memory: after } = evaluate(rule.when, memory[rule.id] ?? {}, seen, now);
        const emission = fire && emissionOf(rule, fire);
        const wrong = emission ? judge(rule, { ...data, ...emission.attached }) : [];
        refused.push(...wrong);
        if (wrong.length > 0) return [];
        if (Object.keys(after).length > 0) memory[rule.id] = after;
        return emission ?? [];
      });
      const pending =
        emissions.length === 0 ? null : { id: newId("obs", now), timestamp: seen.at, data: text, emissions };
      return { pending, refused, after: JSON.stringify(memory) };
    });
    if (strict !== undefined && found.some(({ refused }) => refused.length > 0)) {
      return { kind: "refused", refused: found.map(({ refused }) => refused) };
    }
    if (strict === "judge") return { kind: "observed", observations: [] };
    const last = observations.length - 1;
    const taken = found.map(({ pending, refused, after }, i) => {
      const repeat = repeats[i] ?? null;
      if (repeat !== null) return { row: toRemembered(repeat), refused, duplicate: true };
      const idempotency = observations[i]?.idempotency;
      const kept = pending !== null || idempotency !== undefined;
      if (!kept && (i < last || !this.#isNews(after, now))) return { row: null, refused, duplicate: false };
      const keyed = idempotency && { ...idempotency, key: `o:${idempotency.key}` };
      const row = this.#write(keyed, pending, refused, after, now);
      return { row: kept ? row : null, refused, duplicate: false };
    });
    return { kind: "observed", observations: taken };
  }

  /**
   * Keeps those contacts that the action has not revealed yet, up to its limit over time, and answers them as something
   * to be emitted; `null`: there are none. A repeat for the same event answers what the first did.
   */
  reveal({ trigger, action, endpoint, limit, contacts }: RevealRequest, now: number): Remembered | null {
    const key = `r:${trigger}:${action}`;
    const repeat = this.#find(key, now);
    if (repeat !== null) return toRemembered(repeat);
    const known = new Set(
      this.#sql
        .all<{ contact: string }>("SELECT contact FROM revealed WHERE action = ?", action)
        .map(({ contact }) => contact),
    );
    const most = limit ?? Number.POSITIVE_INFINITY;
    const texts: string[] = [];
    for (const { identity, text } of contacts) {
      if (known.size >= most || known.has(identity)) continue;
      known.add(identity);
      texts.push(text);
      this.#sql.all("INSERT INTO revealed (action, contact) VALUES (?, ?)", action, identity);
    }
    if (texts.length === 0) return null;
    const emissions = [{ rule: action, event: CONTACT_REVEALED, endpoint }];
    const pending = { id: newId("obs", now), timestamp: now, data: `[${texts.join(",")}]`, emissions };
    return this.#write({ key, fingerprint: "" }, pending, [], this.#memory, now);
  }

  /** What fired and is not known to be emitted, oldest first. */
  pending(): Remembered[] {
    if (!this.hasPending) return [];
    return this.#sql
      .all<Row>("SELECT * FROM observations WHERE pending IS NOT NULL ORDER BY seq")
      .map((row) => toRemembered(row));
  }

  /** Notes that an observation's events are emitted; its text is then forgotten. */
  settle({ slot, seq }: Remembered, outcome: Outcome): void {
    const known = this.#slots.get(slot);
    if (known?.seq !== seq || !known.pending) return;
    this.#sql.all(
      "UPDATE observations SET pending = NULL, data = NULL, outcome = ? WHERE slot = ?",
      JSON.stringify(outcome),
      slot,
    );
    known.pending = false;
  }

  #find(key: string, now: number): Row | null {
    for (const slot of this.#slots.values()) {
      if (slot.key !== key || slot.at <= now - KEY_LIFE) continue;
      return this.#sql.first<Row>("SELECT * FROM observations WHERE slot = ?", slot.slot);
    }
    return null;
  }

  /** Whether a memory must be written down though nothing else needs the row. */
  #isNews(memory: string, now: number): boolean {
    return memory !== this.#memory || this.#newest === null || now >= this.#newest.at + TOUCH_AFTER;
  }

  /** Writes an observation and all that is remembered after it: one row. */
  #write(
    idempotency: { key: string; fingerprint: string } | undefined,
    pending: Pending | null,
    refused: Refused[],
    memory: string,
    now: number,
  ): Remembered {
    const outcome: Outcome = { events: [], refused };
    const seq = (this.#newest?.seq ?? 0) + 1;
    const slot = this.#freeSlot(now);
    const key = idempotency?.key ?? null;
    this.#sql.all(
      `INSERT INTO observations (slot, seq, at, key, fingerprint, pending, data, outcome, memory)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
       ON CONFLICT (slot) DO UPDATE
       SET seq = ?2, at = ?3, key = ?4, fingerprint = ?5, pending = ?6, data = ?7, outcome = ?8, memory = ?9`,
      slot,
      seq,
      now,
      key,
      idempotency?.fingerprint ?? null,
      pending === null ? null : JSON.stringify({ ...pending, data: undefined }),
      pending?.data ?? null,
      JSON.stringify(outcome),
      memory,
    );
    this.#note({ slot, seq, at: now, key, pending: pending !== null });
    this.#memory = memory;
    return { slot, seq, pending, outcome };
  }

  /** A row whose observation need not be known any more, or a new one. */
  #freeSlot(now: number): number {
    for (const { slot, at, key, pending } of this.#slots.values()) {
      if (!pending && (key === null || at <= now - KEY_LIFE)) return slot;
    }
    return this.#slots.size;
  }

  #note(slot: Slot): void {
    this.#slots.set(slot.slot, slot);
    if (this.#newest === null || slot.seq > this.#newest.seq) this.#newest = slot;
  }
}

function toRemembered({ slot, seq, pending, data, outcome }: Row): Remembered {
  return {
    slot,
    seq,
    pending: pending === null ? null : ({ ...JSON.parse(pending), data } as Pending),
    outcome: JSON.parse(outcome) as Outcome,
  };
}

/**
 * A memory without what deleted rules remembered. A rule made shortly before the configuration was read may be missing
 * from it and not be deleted, so young ones stay; ids are never given out again.
 */
function pruned(memory: Record<string, RuleMemory>, live: ReadonlySet<string>, asOf: number) {
  const kept = Object.entries(memory).filter(([id]) => live.has(id) || ulidTime(id.slice(4)) > asOf - SKEW);
  return Object.fromEntries(kept);
}

function emissionOf(rule: Firing, fire: Fire): Emission {
  const attached = attachedOf(rule, fire);
  return { rule: rule.id, event: rule.emit, ...(attached === undefined ? {} : { attached }) };
}
