import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { memberTexts } from "../../../lib/json/json";
import { deliveryHref, OUTCOME } from "../../components/deliveries";
import { Act, Refused } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { Card, Copyable, Empty } from "../../components/parts";
import { type Delivery, StatusPill } from "../../components/pills";
import { jsonOf } from "../../components/preview";
import { At } from "../../components/time";
import { type Refusal, refusedWith } from "../../errors";
import { Body } from "../../inspect/body";
import { SampleDifferences, toSample } from "../../inspect/sample";
import { path, type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { endpointNames } from "../deliveries/deliveries";

type Explained = Awaited<ReturnType<Client["events"]["explain"]>>["data"][number];
type Answered = Awaited<ReturnType<Client["events"]["get"]>>;

/** Who got it. What went to an endpoint that is deleted has no page any more. */
const Got: FC<{ site: Site; tenant: string; deliveries: readonly Delivery[]; names: ReadonlyMap<string, string> }> = ({
  site,
  tenant,
  deliveries,
  names,
}) => (
  <Rows
    rows={deliveries}
    columns={[
      {
        name: "Endpoint",
        cell: (delivery) => {
          if ("url" in delivery) {
            return (
              <>
                callback to <code>{String(delivery.url)}</code>
              </>
            );
          }
          const name = names.get(delivery.endpoint);
          return name === undefined ? (
            <>
              deleted endpoint <code>{delivery.endpoint}</code>
            </>
          ) : (
            <a class="row-link" href={deliveryHref(site, tenant, delivery)}>
              {name}
            </a>
          );
        },
      },
      { name: "Status", cell: (delivery) => <StatusPill delivery={delivery} /> },
      ...OUTCOME,
    ]}
  />
);

/** Why endpoints did not get it: with the clause that failed, and what to do. */
const Missed: FC<{ site: Site; tenant: string; missed: readonly Explained[]; names: ReadonlyMap<string, string> }> = ({
  site,
  tenant,
  missed,
  names,
}) => (
  <ul class="reasons">
    {missed.map(({ endpoint, name, detail, remedy, clause }) => (
      <li>
        <p>
          <a href={path(site.base, "tenants", tenant, "endpoints", endpoint)}>
            {names.get(endpoint) ?? name ?? endpoint}
          </a>
          : {detail}
        </p>
        {clause === undefined ? null : (
          <p>
            <code>{`${clause.path} ${clause.operator} ${jsonOf(clause.expected)}`}</code>{" "}
            <span class="muted">but it is</span> <code>{jsonOf(clause.actual)}</code>
          </p>
        )}
        {remedy === null ? null : <p class="hint">{remedy}</p>}
      </li>
    ))}
  </ul>
);

async function show(c: SiteContext, refusal: Refusal | null = null): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const id = c.req.param("event") ?? "";
  const [text, explained, names] = await Promise.all([
    site.text(`/v1/tenants/${encodeURIComponent(tenant)}/events/${encodeURIComponent(id)}`),
    site.api.events.explain(tenant, id),
    endpointNames(site, tenant),
  ]);
  const event = JSON.parse(text) as Answered & { erasedAt?: string };
  const data = memberTexts(text).get("data") ?? "null";
  const here = tenantPath(c, "events", event.id);
  const missed = explained.data.filter(({ delivery }) => delivery === undefined);
  const erased = event.erasedAt;
  const sample = erased === undefined ? await toSample(c.env, event.event, data) : null;
  return page(
    c,
    { title: event.event, current: "Events", status: refusal === null ? 200 : 409 },
    <>
      <PageHead
        title={event.event}
        up={{ href: tenantPath(c, "events"), name: "Events" }}
        about={
          <>
            <At at={event.timestamp} />
            <Copyable text={event.id} label="Copy the event's id" />
          </>
        }
      >
        {site.may.events.replay && erased === undefined ? (
          <Act
            visit={site}
            action={`${here}/replay`}
            class="primary"
            asks="Replay this event? Endpoints that got it get it again, and so do those that want it now."
          >
            Replay event
          </Act>
        ) : null}
      </PageHead>
      <Refused refusal={refusal} what="The event was not replayed." />
      <Card title="Who got it">
        {event.deliveries.length === 0 ? (
          <Empty icon="target" title="No endpoint">
            No endpoint wanted it when it was accepted. Below is why.
          </Empty>
        ) : (
          <Got site={site} tenant={tenant} deliveries={event.deliveries} names={names} />
        )}
      </Card>
      {missed.length === 0 ? null : (
        <Card title="Why the others did not">
          <Missed site={site} tenant={tenant} missed={missed} names={names} />
        </Card>
      )}
      <Card title="Payload">
        {erased !== undefined ? (
          <p>
            Its content was erased <At at={erased} />.
          </p>
        ) : (
          <>
            <Body text={data} label="The event's data" />
            <SampleDifferences differences={sample} />
            {site.may.events.eraseContent ? (
              <Act
                visit={site}
                action={`${here}/erase`}
                class="danger small"
                asks="Erase the payload everywhere? Deliveries that are not finished are canceled. This cannot be undone."
              >
                Erase content …
              </Act>
            ) : null}
          </>
        )}
      </Card>
    </>,
  );
}

/** One event: its payload, who got it, why the others did not. */
export const eventPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/events/:event", (c) => show(c))
  .post("/tenants/:tenant/events/:event/replay", async (c) => {
    const { tenant, event } = c.req.param();
    const refusal = await refusedWith(() => c.get("site").api.events.replay(tenant, event));
    return refusal === null
      ? c.redirect(withQuery(tenantPath(c, "events", event), { done: "replayed" }), 303)
      : show(c, refusal);
  })
  .post("/tenants/:tenant/events/:event/erase", async (c) => {
    const { tenant, event } = c.req.param();
    await c.get("site").api.events.eraseContent(tenant, event);
    return c.redirect(withQuery(tenantPath(c, "events", event), { done: "erased" }), 303);
  });
