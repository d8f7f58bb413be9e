import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { FaredCard, faredOf } from "../../components/figures/fared";
import { byHarm, Incidents } from "../../components/figures/incidents";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { Live } from "../../components/log";
import { Card, Empty } from "../../components/parts";
import { nameOf } from "../../components/pills";
import type { Site, SiteContext, SiteEnv } from "../../site";
import { tenantPath } from "../../site";
import { page, part, wantsPart } from "../../write";
import { endpointPath } from "../endpoints/endpoint-frame";
import { faresColumns, hoursOf } from "../endpoints/endpoint-rows";

/** As many endpoints as the API answers at once. */
const MOST = 250;
/** The most endpoints that the page shows. */
const SHOWN = 12;

/** The first steps of somebody who has nothing yet. */
const FirstSteps: FC<{ site: Site; here: string }> = ({ site, here }) => (
  <Card>
    <Empty icon="target" title="Deliver your first event">
      <ol class="steps">
        <li>
          {site.may.endpoints.create ? <a href={`${here}/endpoints/new`}>Add an endpoint</a> : "Have an endpoint added"}
          : the URL of your receiver, and the events it wants.
        </li>
        <li>Copy its secret, and take the receiver in Node or Python that is filled in for it.</li>
        <li>Send a test event, and see the request and the answer here.</li>
      </ol>
      {site.may.endpoints.create ? (
        <a class="button primary" href={`${here}/endpoints/new`}>
          Add the first endpoint
        </a>
      ) : null}
    </Empty>
  </Card>
);

async function show(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const now = Date.now();
  const here = tenantPath(c);
  const { data, nextCursor } = await site.api.endpoints.list(tenant, { query: { limit: MOST, include: "summary" } });
  const head = (
    <Live id="now" from={here}>
      <Incidents site={site} tenant={tenant} endpoints={data} now={now} />
    </Live>
  );
  if (wantsPart(c)) return part(c, head);
  const [named, fared, hours] = await Promise.all([
    site.api.tenants.get(tenant),
    faredOf(c, tenant, {}, now),
    hoursOf(site, tenant, now),
  ]);
  const endpoints = byHarm(data, now, hours);
  return page(
    c,
    { title: "Overview", current: "Overview" },
    <>
      <PageHead title={named.name} />
      {endpoints.length === 0 ? (
        <FirstSteps site={site} here={here} />
      ) : (
        <>
          {head}
          <FaredCard c={c} fared={fared} />
          <Card
            title="Endpoints, worst first"
            actions={
              <a href={`${here}/endpoints`}>{nextCursor === null ? `All ${endpoints.length}` : "All of them"}</a>
            }
          >
            <Rows
              rows={endpoints.slice(0, SHOWN)}
              columns={[
                {
                  name: "Endpoint",
                  class: "main-cell",
                  cell: (one) => (
                    <a class="row-link" href={endpointPath(site, tenant, one.id)}>
                      {nameOf(one)}
                    </a>
                  ),
                },
                ...faresColumns(now, hours),
              ]}
            />
          </Card>
        </>
      )}
    </>,
  );
}

/** How a tenant's webhooks fare. */
export const overviewPages = new Hono<SiteEnv>().get("/tenants/:tenant", show);
