import { lookUp, verdictOf } from "./dns";
import { nameOf, refusal, type UrlRules } from "./url-policy";

/** What the deployment says about where webhooks may go. */
export interface DestinationRules extends UrlRules {
  /** The resolver that names are looked up with; `null`: they are not. */
  resolver: string | null;
}

/** The last verdict under each copy of the rules: what goes out together goes to one URL. */
const verdicts = new WeakMap<UrlRules, { text: string; refused: string | null }>();

function refusalUnder(text: string, rules: UrlRules): string | null {
  const last = verdicts.get(rules);
  if (last?.text === text) return last.refused;
  const refused = refusal(text, rules);
  verdicts.set(rules, { text, refused });
  return refused;
}

/**
 * Why nothing may be sent to a URL, in words for its owner; `null`: it may. Beyond the policy it asks what the name
 * resolves to. No answer, or a resolver out of reach, refuses nothing. `fresh`: asks anew instead of relying on what was
 * learned within a day. Never throws; takes 2 s at most.
 */
export function destinationRefusal(
  text: string,
  rules: DestinationRules,
  now: number,
  { fresh = false } = {},
): Promise<string | null> | string | null {
  const refused = refusalUnder(text, rules);
  return refused !== null || rules.resolver === null ? refused : refusalOfName(text, rules.resolver, now, fresh);
}

async function refusalOfName(text: string, resolver: string, now: number, fresh: boolean): Promise<string | null> {
  const verdict = await (fresh ? lookUp : verdictOf)(nameOf(new URL(text)), resolver, now);
  return verdict === "private" ? "must name a host whose addresses are all public" : null;
}
