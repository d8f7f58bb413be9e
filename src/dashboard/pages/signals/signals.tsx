import { Hono } from "hono";
import { callTenant, type ListOf, listTenantThings, type Saved } from "../../api-json";
import { Act, Refused, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Empty, Pager } from "../../components/parts";
import { type FieldErrors, type Refusal, refusedWith } from "../../errors";
import { keepWarnings, needs } from "../../guard";
import { carriedOn, patchRead } from "../../meanwhile";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { SignalForm, type Tried } from "./signal-form";
import {
  dryRunErrors,
  NEW_SIGNAL,
  observationsIn,
  type Signal,
  type SignalValues,
  sayWhen,
  signalBody,
  signalValuesIn,
  valuesOfSignal,
} from "./signal-values";

const PAGE_SIZE = 25;

/** The vendors whose rules can be installed. */
const CATALOGS = ["clearview", "clarm", "snitcher", "visits"];

const SAMPLE = `{"company": {"domain": "halden.example", "leadScore": 61}}
{"company": {"domain": "halden.example", "leadScore": 74}}`;

interface Shown {
  values: SignalValues;
  refusal: Refusal | null;
  tried: Tried[] | null;
  observations: string;
}

const FRESH: Shown = { values: NEW_SIGNAL, refusal: null, tried: null, observations: SAMPLE };

export async function list(c: SiteContext, { values, refusal, tried, observations }: Shown = FRESH): Promise<Response> {
  const site = c.get("site");
  const here = tenantPath(c, "signals");
  const found: ListOf<Signal> = await listTenantThings<Signal>(c, "signals", PAGE_SIZE);
  return page(
    c,
    { title: "Signals", current: "Signals", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title="Signals" about="Rules that turn what your back end observes into events." />
      <Card>
        {found.data.length === 0 ? (
          <Empty icon="signal" title="No signals yet">
            A signal remembers each entity, and emits an event when its score crosses a threshold, when it returns, when
            it is seen the first time. Install a vendor's, or write one below.
          </Empty>
        ) : (
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Fires when</th>
                <th scope="col">Emits</th>
                {site.may.signals.update ? (
                  <th scope="col">
                    <span class="hidden-text">Actions</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {found.data.map((signal) => (
                <tr>
                  <td data-name="Name" class="main-cell">
                    {signal.name}
                    {signal.catalog ? <span class="tag">{signal.catalog}</span> : null}
                    <small class="muted clip">
                      per <code>{signal.entity}</code>
                    </small>
                  </td>
                  <td data-name="Fires when">
                    {sayWhen(signal.when)}
                    {signal.filter === null ? null : <span class="tag">filter</span>}
                  </td>
                  <td data-name="Emits">
                    <code>{signal.emit}</code>
                  </td>
                  {site.may.signals.update ? (
                    <td class="row-actions">
                      <a class="button small" href={`${here}/${signal.id}`} aria-label={`Edit ${signal.name}`}>
                        Edit
                      </a>
                      <Act
                        visit={site}
                        action={`${here}/${signal.id}/delete`}
                        class="small danger"
                        label={`Delete ${signal.name}`}
                        asks={`Delete the signal ${signal.name}, with what it remembers?`}
                      >
                        Delete
                      </Act>
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <Pager
          next={found.nextCursor === null ? null : withQuery(here, { cursor: found.nextCursor })}
          first={c.req.query("cursor") === undefined ? null : here}
          what="signals"
        />
      </Card>
      {site.may.signals.create ? (
        <>
          <Card title="Vendors' signals">
            <p class="hint">Installing brings the rules of a vendor's page; thresholds are then yours to change.</p>
            <div class="card-actions">
              {CATALOGS.map((name) => (
                <Act
                  visit={site}
                  action={`${here}/install`}
                  fields={{ catalog: name }}
                  label={`Install the signals of ${name}`}
                >
                  {name}
                </Act>
              ))}
            </div>
          </Card>
          <Card title="New signal">
            <Refused refusal={refusal} what="That was refused." />
            <SignalForm
              site={site}
              action={here}
              tryAt={`${here}/try`}
              values={values}
              observations={observations}
              refusal={refusal}
              what="Create"
              tried={tried}
            />
          </Card>
        </>
      ) : null}
    </>,
  );
}

async function edit(c: SiteContext, shown: Shown | null = null): Promise<Response> {
  needs(c.get("site").may.signals.update, "Your role reads, and does not change signals.");
  const site = c.get("site");
  const id = c.req.param("signal") ?? "";
  const signal = await callTenant<Signal>(c, "GET", ["signals", id]);
  const { values, refusal, tried, observations } = shown ?? { ...FRESH, values: valuesOfSignal(signal) };
  const here = tenantPath(c, "signals", id);
  return page(
    c,
    { title: signal.name, current: "Signals", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title={signal.name} up={{ href: tenantPath(c, "signals"), name: "Signals" }} />
      <Card>
        <Refused refusal={refusal} what="That was refused." />
        <SignalForm
          site={site}
          action={here}
          tryAt={`${here}/try`}
          values={values}
          observations={observations}
          refusal={refusal}
          what="Save"
          tried={tried}
          read={carriedOn(c, signal, refusal)}
        />
      </Card>
    </>,
  );
}

/** Saves or tries what a form says. `send`: does it with the rule as the API takes it. `wrong`: what else is wrong. */
async function told(
  c: SiteContext,
  send: (body: Record<string, unknown>) => Promise<unknown>,
  wrong: FieldErrors = [],
): Promise<Shown> {
  const form = c.get("form");
  const values = signalValuesIn(form);
  const { body, unread } = signalBody(values);
  const errors = [...unread, ...wrong];
  const shown = { values, tried: null, observations: textOf(form, "observations") };
  if (errors.length > 0) return { ...shown, refusal: { detail: "Some fields cannot be read.", errors } };
  return { ...shown, refusal: await refusedWith(() => send(body)) };
}

/** Tries the rule that a form says, unless a line cannot be read: results would stand beside other lines than theirs. */
async function dryRun(c: SiteContext): Promise<Shown> {
  const { lines, observations, unread } = observationsIn(textOf(c.get("form"), "observations"));
  let tried: Tried[] | null = null;
  const shown = await told(
    c,
    async (rule) => {
      const whole = { ...rule, name: rule.name === "" ? "dry run" : rule.name };
      const body = { rule: whole, observations };
      tried = (await callTenant<{ data: Tried[] }>(c, "POST", ["signals", "test"], body)).data;
    },
    unread,
  );
  const { refusal } = shown;
  if (refusal === null) return { ...shown, tried };
  return { ...shown, refusal: { ...refusal, errors: dryRunErrors(refusal.errors, lines) } };
}

/** Signals, with a dry run. */
export const signalPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/signals", (c) => list(c))
  .post("/tenants/:tenant/signals", async (c) => {
    const shown = await told(c, async (body) =>
      keepWarnings(c, (await callTenant<Saved>(c, "POST", ["signals"], body)).warnings),
    );
    if (shown.refusal !== null) return list(c, shown);
    return c.redirect(withQuery(tenantPath(c, "signals"), { done: "created" }), 303);
  })
  .post("/tenants/:tenant/signals/try", async (c) => list(c, await dryRun(c)))
  .post("/tenants/:tenant/signals/install", async (c) => {
    const catalog = ["signals", "catalogs", textOf(c.get("form"), "catalog")];
    const refusal = await refusedWith(() => callTenant(c, "POST", catalog));
    if (refusal !== null) return list(c, { ...FRESH, refusal });
    return c.redirect(withQuery(tenantPath(c, "signals"), { done: "installed" }), 303);
  })
  .get("/tenants/:tenant/signals/:signal", (c) => edit(c))
  .post("/tenants/:tenant/signals/:signal", async (c) => {
    const shown = await told(c, async (body) =>
      keepWarnings(c, await patchRead(c, ["signals", c.req.param("signal")], body)),
    );
    if (shown.refusal !== null) return edit(c, shown);
    return c.redirect(withQuery(tenantPath(c, "signals"), { done: "saved" }), 303);
  })
  .post("/tenants/:tenant/signals/:signal/try", async (c) => edit(c, await dryRun(c)))
  .post("/tenants/:tenant/signals/:signal/delete", async (c) => {
    await callTenant(c, "DELETE", ["signals", c.req.param("signal")]);
    return c.redirect(withQuery(tenantPath(c, "signals"), { done: "deleted" }), 303);
  });
