import { Hono } from "hono";
import type { Client } from "../../client";
import { jsonWithRaw } from "../../lib/json";
import { Attempts } from "../components/attempts";
import { deliveryHref } from "../components/deliveries";
import { Refused, SelectField, TextArea, TextField, Token, textOf } from "../components/form";
import { Card } from "../components/parts";
import { nameOf, StatusPill } from "../components/state";
import { type Refusal, refusalOf } from "../errors";
import { prettyJson } from "../json-text";
import type { SiteContext, SiteEnv } from "../site";
import { page } from "../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";
import { typesOf } from "./event-types";

type Result = Awaited<ReturnType<Client["endpoints"]["test"]>>;

interface Shown {
  event: string;
  data: string;
  refusal: Refusal | null;
  result: Result | null;
}

async function show(c: SiteContext, { event, data, refusal, result }: Shown): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const id = c.req.param("endpoint") ?? "";
  const [endpoint, types] = await Promise.all([site.api.endpoints.get(tenant, id), typesOf(c)]);
  const here = endpointPath(site, tenant, endpoint.id);
  const chosen = types.find(({ name }) => name === event);
  const listed = types.map(({ name }): [string, string] => [name, name]);
  return page(
    c,
    { title: `Test · ${nameOf(endpoint)}`, current: "Endpoints", status: refusal === null ? 200 : 422 },
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
              label="Event type"
              value={event}
              options={chosen === undefined ? [[event, event], ...listed] : listed}
            />
            <button type="submit">Load its sample</button>
          </form>
          <form method="post" action={`${here}/test`}>
            <Token visit={site} />
            <TextField name="event" label="Send as" value={event} required errors={refusal?.errors ?? []} />
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
        <Card title="What came of it" class="aside">
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
    const asked = c.req.query("event") ?? "";
    const first = asked === "" ? ((await typesOf(c))[0]?.name ?? "test.sent") : asked;
    return show(c, { event: first, data: "", refusal: null, result: null });
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
