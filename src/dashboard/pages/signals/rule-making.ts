/**
 * Making a rule of the form *When … and … then …*: segments, then the automation that names them, then the signal, which sets
 * it off from then on. All of them, or none.
 * @module
 */
import { PosthornError, type Problem } from "../../../client/index";
import { callTenant, listTenantThings } from "../../api-json";
import { type FieldErrors, type Refusal, refusalOf, refusedWith } from "../../errors";
import { keepWarnings, type Warning } from "../../guard";
import type { SiteContext } from "../../site";
import { byField, planOf, type RulePlan, type RuleValues } from "./rule-values";
import type { Signal } from "./signal-values";

/** How long a form waits for itself, sent twice: 100 times 0.1 s. */
const LOOKS = 100;
const LOOK_AGAIN = 100;

interface Made {
  path: "segments" | "automations" | "signals";
  id: string;
  /** The answer to the same form, sent before: whoever sent it cleans up after it. */
  replayed: boolean;
}

/** What became of a form: `said`: how its refusal begins. */
export interface NotMade extends Refusal {
  said: string;
}

const NOT_MADE = "The rule was not made.";

/** Makes what a form says. Answers what it was refused with; `null`: all is made, once however often the form is sent. */
export async function makeRule(c: SiteContext, values: RuleValues): Promise<NotMade | null> {
  const { plan, unread } = planOf(values);
  const wrong = await signalRefusal(c, plan);
  // What could not be read says so itself, in better words.
  const rest = wrong?.errors.filter(({ path }) => !unread.some((one) => one.path === path)) ?? [];
  if (wrong !== null || unread.length > 0) {
    return { said: NOT_MADE, detail: wrong?.detail ?? "Some fields cannot be read.", errors: [...unread, ...rest] };
  }
  const rival = await rivalOf(c, plan);
  if (rival !== null && rival.name !== values.name) return { said: NOT_MADE, ...rivalRefusal(rival) };
  const made: Made[] = [];
  const warnings: Warning[] = [];
  let part: keyof RulePlan = "segment";
  const make = async (next: keyof RulePlan, path: Made["path"], body: object | null) => {
    part = next;
    if (body === null) return null;
    const { id, replayed, warned } = await created(c, path, body, `${values.once}-${next}`);
    made.push({ path, id, replayed });
    warnings.push(...warned);
    return id;
  };
  try {
    const segment = await make("segment", "segments", plan.segment);
    const persona = await make("persona", "segments", plan.persona);
    const [action] = plan.automation.actions;
    const actions = [action.type === "webhook" ? action : { ...action, persona }];
    await make("automation", "automations", { ...plan.automation, segment, actions });
    // Of the same name it may be this form's own, sent before.
    if (rival !== null && made.every(({ replayed }) => !replayed)) throw new Taken(rival);
    await make("signal", "signals", plan.signal);
  } catch (error) {
    const refusal = error instanceof Taken ? rivalRefusal(error.rival) : refusalOf(error);
    const said = await undone(c, made);
    if (refusal === null) throw error;
    return { said, detail: refusal.detail, errors: byField(part, refusal.errors) };
  }
  keepWarnings(c, warnings);
  return null;
}

class Taken extends Error {
  readonly rival: Signal;

  constructor(rival: Signal) {
    super("another signal emits it");
    this.rival = rival;
  }
}

/** What the API says of the signal before anything is made. */
export async function signalRefusal(c: SiteContext, { signal }: RulePlan): Promise<Refusal | null> {
  if (signal === null) return null;
  const body = { rule: signal, observations: [{}] };
  const refusal = await refusedWith(() => callTenant(c, "POST", ["signals", "test"], body));
  return refusal && { ...refusal, errors: byField("signal", refusal.errors) };
}

/** Another signal that emits the same: it would set the rule off, too. */
async function rivalOf(c: SiteContext, { signal }: RulePlan): Promise<Signal | null> {
  if (signal === null) return null;
  // There are no more than a hundred.
  const { data } = await listTenantThings<Signal>(c, "signals", 250);
  return data.find(({ emit }) => emit === signal.emit) ?? null;
}

function rivalRefusal({ name, emit }: Signal): { detail: string; errors: FieldErrors } {
  const message = `${emit} is what the signal ${name} emits, which would set this off, too: choose another, or begin with the event`;
  return { detail: message, errors: [{ path: "emit", message }] };
}

/** Makes one thing under a key of its own; waits while the same form, sent before, makes it. */
async function created(c: SiteContext, path: Made["path"], body: object, key: string) {
  const tenant = encodeURIComponent(c.req.param("tenant") ?? "");
  const url = new URL(`/v1/tenants/${tenant}/${path}`, c.req.url);
  for (let looks = 0; ; looks++) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
    const response = await c.get("site").send(request);
    const said = (await response.json()) as { id: string; warnings?: Warning[] } & Problem;
    if (response.ok) {
      const replayed = response.headers.has("Idempotency-Replayed");
      return { id: said.id, replayed, warned: said.warnings ?? [] };
    }
    if (said.code !== "request-under-way" || looks === LOOKS) {
      throw new PosthornError(`POST ${url.pathname}`, said, response.headers);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
}

/** Takes away what this form has made, the last first, and says so. */
async function undone(c: SiteContext, made: readonly Made[]): Promise<string> {
  const own = made.filter(({ replayed }) => !replayed);
  const left: string[] = [];
  for (const { path, id } of own.toReversed()) {
    try {
      await callTenant(c, "DELETE", [path, id]);
    } catch {
      left.push(id);
    }
  }
  if (left.length > 0) return `${NOT_MADE} This was, and could not be taken away: ${left.join(", ")}.`;
  return own.length === 0 ? NOT_MADE : `${NOT_MADE} What was made of it before that is taken away again.`;
}
