import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Firing, ObserveRequest } from "../../src/contracts/entity";
import type { When } from "../../src/contracts/signal";
import { newId } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { Recollection } from "../../src/signals/recollection";
import type { Remembered } from "../../src/signals/remembered";
import { fresh } from "../lib/fresh";

export const T0 = Date.parse("2026-11-21T00:00:00.000Z");

/** Runs `use` with a recollection on the real storage of an object of its own, driven by the test's clock. */
export function withRecollection<T>(
  use: (recollection: Recollection, open: () => Recollection, sql: Sql) => T,
): Promise<T> {
  const stub = env.ENTITY.getByName(`t/0/${fresh("e")}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, state) => {
    const sql = new Sql(state.storage.sql);
    const open = () => new Recollection(sql);
    return use(open(), open, sql);
  });
}

/** A rule that was made long before the test's time. */
export function firing(when: When, fields: Partial<Firing> = {}): Firing {
  return { id: newId("sig", T0 - 1_000_000), emit: "it.fired", when, attach: null, ...fields };
}

/** A request with observations that all rules look at; a value stands for `{v: value}`. */
export function request(rules: Firing[], values: unknown[], fields: Partial<ObserveRequest> = {}): ObserveRequest {
  return {
    rules,
    live: rules.map(({ id }) => id),
    asOf: T0,
    observations: values.map((v) => ({
      text: JSON.stringify({ v }),
      at: null,
      rules: rules.map((_, i) => i),
      listed: [],
    })),
    ...fields,
  };
}

/** The rules that fired at each observation, in their order. */
export function fired(taken: ReturnType<Recollection["observe"]>): string[][] {
  if (taken.kind !== "observed") throw new Error(`it was ${taken.kind}`);
  return taken.observations.map(({ row }) => (row?.pending?.emissions ?? []).map(({ rule }) => rule));
}

/** A request whose observations are claimed under a key. */
export function keyed(asked: ObserveRequest, key: string, claimed = T0, fingerprint = "f"): ObserveRequest {
  const observations = asked.observations.map((one, i) => ({
    ...one,
    idempotency: { key: `${i}:${key}`, claimed, fingerprint },
  }));
  return { ...asked, observations };
}

/** The log takes what there is to emit. */
export function settleAll(recollection: Recollection, now = T0): Remembered[] {
  const pending = recollection.pending();
  for (const row of pending) {
    const events = (row.pending?.emissions ?? []).map(({ rule, event }) => ({ rule, id: `evt_${row.seq}`, event }));
    recollection.settle(row, { events, refused: [] }, now);
  }
  return pending;
}
