import type { SignalRule } from "../contracts/signal";
import { emittedData } from "./data";
import { attachedOf, evaluate, type RuleMemory } from "./forms";
import type { PostedObservation } from "./observe";
import type { Plan, Skipped } from "./plan";

/** An event that would be emitted. */
export interface WouldEmit {
  rule: string;
  event: string;
  /** JSON text. */
  data: string;
}

/**
 * What rules would make of a sequence of observations about entities that nothing is known of yet. Pure: nothing is
 * stored, and nothing that is stored counts. `isListed`: whether a list has a key. `null`: the events' data would have
 * more than `most` characters.
 */
export function dryRun(
  rules: readonly SignalRule[],
  observations: readonly PostedObservation[],
  planned: readonly Plan[],
  isListed: (list: string, key: string) => boolean,
  now: number,
  most: number,
): { events: WouldEmit[]; skipped: Skipped[] }[] | null {
  const memories = new Map<string, RuleMemory>();
  let characters = 0;
  const results: { events: WouldEmit[]; skipped: Skipped[] }[] = [];
  for (const [i, { entities, skipped }] of planned.entries()) {
    const { data, text, at } = observations[i] as PostedObservation;
    const fired = [...entities].flatMap(([key, concerned]) =>
      concerned.flatMap((index) => {
        const rule = rules[index] as SignalRule;
        const of = JSON.stringify([rule.id, key]);
        const listed = new Set("inList" in rule.when && isListed(rule.when.inList, key) ? [rule.when.inList] : []);
        const seen = { data, at: at ?? now, listed };
        const { fire, memory } = evaluate(rule.when, memories.get(of) ?? {}, seen, now);
        memories.set(of, memory);
        return fire === undefined ? [] : [{ index, rule, fire }];
      }),
    );
    const events: WouldEmit[] = [];
    for (const { rule, fire } of fired.toSorted((a, b) => a.index - b.index)) {
      const data = emittedData(text, attachedOf(rule, fire));
      characters += data.length;
      if (characters > most) return null;
      events.push({ rule: rule.id, event: rule.emit, data });
    }
    results.push({ events, skipped });
  }
  return results;
}
