import { Hono } from "hono";
import type { Client } from "../../../client/index";
import { findInCatalogs } from "../../../config/catalogs/catalogs";
import { jsonWithRaw } from "../../../lib/json/json";
import { deliveryHref } from "../../components/deliveries";
import { Refused, SelectField, TextArea, TextField, Token, textOf } from "../../components/form";
import { Card } from "../../components/parts";
import { type Endpoint, nameOf, StatusPill } from "../../components/pills";
import { type Refusal, refusalOf } from "../../errors";
import { needs } from "../../guard";
import { Attempts } from "../../inspect/attempts";
import { prettyJson } from "../../json-text";
import type { SiteContext, SiteEnv } from "../../site";
import { page } from "../../write";
import { allTypes, MoreTypes, type TypeText } from "../catalog/types";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

type Result = Awaited<ReturnType<Client["endpoints"]["test"]>>;

interface Shown {
  /** `null`: nobody has chosen yet. */
  event: string | null;
  data: string;
  refusal: Refusal | null;
  result: Result | null;
}

/** The type to begin with: one that the endpoint wants and that has a sample, if there is any. */
export function firstOf({ events, profile }: Endpoint, types: readonly TypeText[]): string {
  const hasSample = (name: string) =>
    types.some((type) => type.name === name && type.sample !== null) || findInCatalogs(profile, name) !== null;
  const wanted = events.includes("*") ? types.map(({ name }) => name) : events;
  return wanted.find(hasSample) ?? wanted[0] ?? types[0]?.name ?? "test.sent";
}

/** What there is to choose from; the type chosen need not be registered. */
export function choices(event: string, types: readonly TypeText[]): [string, string][] {
  const names = types.map(({ name }) => name);
  return (names.includes(event) ? names : [event, ...names]).map((name) => [name, name]);
}

async function show(c: SiteContext, shown: Shown): Promise<Response> {
  const { data, refusal, result } = shown;
  needs(c.get("site").may.endpoints.test, "Your role reads, and does not send tests.");
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const id = c.req.param("endpoint") ?? "";
  const [endpoint, { types, more }] = await Promise.all([site.api.endpoints.get(tenant, id), allTypes(c)]);
  const here = endpointPath(site, tenant, endpoint.id);
  const event = shown.event ?? firstOf(endpoint, types);
  const chosen = types.find(({ name }) => name === event);
  return page(
    c,
    { title: `Test · ${nameOf(endpoint)}`, current: "Endpoints", refusal },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Test">
      <div class="split">
        <Card title="Send a test event">
          <p class="hint">
            It takes the real path: rendered, signed, sent and logged, whatever the endpoint subscribes to, also while
            it is disabled. It never counts against the endpoint.
          </p>
          <Refused refusal={refusal} what="The test was not sent." />
          <form method="get" action={`${here}/test`} class="inline">
            <SelectField
              name="event"
              id="f-sample-of"
              label="Sample of"
              value={event}
              options={choices(event, types)}
            />
            <button type="submit">Load its sample</button>
          </form>
          <MoreTypes types={types} more={more} />
          <form method="post" action={`${here}/test`}>
            <Token visit={site} />
            <TextField name="event" label="Event type" value={event} required errors={refusal?.errors ?? []} />
            <TextArea
              name="data"
              label="Data"
              rows={12}
              code
              value={data === "" && chosen?.sample ? prettyJson(chosen.sample) : data}
              errors={refusal?.errors ?? []}
              hint="A JSON object or list; empty: the type's sample."
            />
            <button type="submit" class="primary">
              Send the test
            </button>
          </form>
        </Card>
        <Card title="Result" class="aside">
          {result === null ? (
            <p class="muted">The request and the receiver's answer appear here.</p>
          ) : (
            <>
              <p>
                <StatusPill delivery={result.delivery} />{" "}
                <a href={deliveryHref(site, tenant, result.delivery)}>See the delivery</a>
              </p>
              {result.attempt === null ? (
                <p>It still waits for its turn; look at the delivery in a moment.</p>
              ) : (
                <Attempts
                  attempts={[result.attempt]}
                  nextAttemptAt={null}
                  now={Date.now()}
                  createdAt={result.delivery.createdAt}
                />
              )}
            </>
          )}
        </Card>
      </div>
    </EndpointFrame>,
  );
}

/** Test sends. */
export const endpointTestPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/endpoints/:endpoint/test", async (c) => {
    return show(c, { event: c.req.query("event") || null, data: "", refusal: null, result: null });
  })
  .post("/tenants/:tenant/endpoints/:endpoint/test", async (c) => {
    const site = c.get("site");
    const form = c.get("form");
    const [event, data] = [textOf(form, "event"), textOf(form, "data")];
    const shown = { event, data, refusal: null, result: null };
    try {
      JSON.parse(data === "" ? "{}" : data);
    } catch (error) {
      const errors = [{ path: "data", message: `is not JSON: ${(error as Error).message}` }];
      return show(c, { ...shown, refusal: { detail: "The data is not JSON.", errors } });
    }
    try {
      const at = `/v1/tenants/${c.req.param("tenant")}/endpoints/${c.req.param("endpoint")}/test`;
      // As text: a number of the sample keeps its digits.
      const answer = await site.text(at, jsonWithRaw({ event }, data === "" ? {} : { data }));
      return show(c, { ...shown, result: JSON.parse(answer) as Result });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return show(c, { ...shown, refusal });
    }
  });
