import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { callTenant } from "../../api-json";
import { Act, textOf } from "../../components/form";
import { Card } from "../../components/parts";
import { type FieldErrors, refused, refusedWith } from "../../errors";
import { resourcePages } from "../../resource-pages";
import { type SiteContext, type SiteEnv, tenantPath } from "../../site";
import { type Fields, knownFields } from "../catalog/known-fields";
import { newRuleLink } from "./automation-form";
import { SignalForm, type SignalShown, type Tried } from "./signal-form";
import {
  dryRunErrors,
  NEW_SIGNAL,
  observationsIn,
  type Signal,
  sayWhen,
  signalBody,
  signalValuesIn,
  valuesOfSignal,
} from "./signal-values";

/** The vendors whose rules can be installed. */
const CATALOGS = ["clearview", "clarm", "snitcher", "visits"];

const SAMPLE = `{"company": {"domain": "halden.example", "leadScore": 61}}
{"company": {"domain": "halden.example", "leadScore": 74}}`;

const UNTRIED = { observations: SAMPLE, tried: null };
const FRESH: SignalShown = { ...NEW_SIGNAL, ...UNTRIED };

const shownIn = (form: FormData): SignalShown => ({
  ...signalValuesIn(form),
  observations: textOf(form, "observations"),
  tried: null,
});

/** The rule of a form as the API takes it. Throws a refusal of what cannot be read; `more`: what else cannot be. */
function ruleOf(values: SignalShown, more: FieldErrors = []): Record<string, unknown> {
  const { body, unread } = signalBody(values);
  const errors = [...unread, ...more];
  if (errors.length > 0) throw refused("Some fields cannot be read.", errors);
  return body;
}

/** Installs the rules of a vendor. */
const Vendors: FC<{ c: SiteContext }> = ({ c }) => (
  <Card title="Vendors' signals">
    <p class="hint">Installing brings the rules of a vendor's page; thresholds are then yours to change.</p>
    <div class="card-actions">
      {CATALOGS.map((name) => (
        <Act
          visit={c.get("site")}
          action={tenantPath(c, "signals", "install")}
          fields={{ catalog: name }}
          label={`Install the signals of ${name}`}
        >
          {name}
        </Act>
      ))}
    </div>
  </Card>
);

const { pages, list, edit, toList } = resourcePages<Signal, SignalShown, Fields>({
  path: "signals",
  one: "signal",
  title: "Signals",
  about: "Rules that turn what your back end observes into events.",
  empty: {
    icon: "signal",
    text: "A signal remembers each entity, and emits an event when its score crosses a threshold, when it returns, when it is seen the first time. Install a vendor's, or write one below.",
  },
  head: newRuleLink,
  columns: () => [
    {
      name: "Name",
      class: "main-cell",
      cell: ({ name, catalog, entity }) => (
        <>
          {name}
          {catalog ? <span class="tag">{catalog}</span> : null}
          <small class="muted clip">
            per <code>{entity}</code>
          </small>
        </>
      ),
    },
    {
      name: "Fires when",
      cell: ({ when, filter }) => (
        <>
          {sayWhen(when)}
          {filter === null ? null : <span class="tag">filter</span>}
        </>
      ),
    },
    { name: "Emits", cell: ({ emit }) => <code>{emit}</code> },
  ],
  asks: ({ name }) => `Delete the signal ${name}, with what it remembers?`,
  refused: { create: "That was refused.", change: "That was refused." },
  fresh: FRESH,
  valuesIn: shownIn,
  valuesOf: (signal) => ({ ...valuesOfSignal(signal), ...UNTRIED }),
  bodyOf: (values) => ruleOf(values),
  form: SignalForm,
  choices: (c) => knownFields(c),
  between: (c) => <Vendors c={c} />,
});

/** Tries the rule that a form says, unless a line cannot be read: results would stand beside other lines than theirs. */
async function dryRun(c: SiteContext) {
  const values = shownIn(c.get("form"));
  const { lines, observations, unread } = observationsIn(values.observations);
  let tried: Tried[] | null = null;
  const refusal = await refusedWith(async () => {
    const rule = ruleOf(values, unread);
    const body = { rule: { ...rule, name: rule.name === "" ? "dry run" : rule.name }, observations };
    tried = (await callTenant<{ data: Tried[] }>(c, "POST", ["signals", "test"], body)).data;
  });
  if (refusal === null) return { values: { ...values, tried }, refusal };
  return { values, refusal: { ...refusal, errors: dryRunErrors(refusal.errors, lines) } };
}

/** Signals, with a dry run. */
export const signalPages = new Hono<SiteEnv>()
  .post("/tenants/:tenant/signals/try", async (c) => list(c, await dryRun(c)))
  .post("/tenants/:tenant/signals/install", async (c) => {
    const catalog = ["signals", "catalogs", textOf(c.get("form"), "catalog")];
    const refusal = await refusedWith(() => callTenant(c, "POST", catalog));
    return refusal === null ? toList(c, "installed") : list(c, { values: FRESH, refusal });
  })
  .post("/tenants/:tenant/signals/:signal/try", async (c) => edit(c, await dryRun(c)))
  .route("/", pages);
