import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { Block, Card, Facts } from "../../components/parts";
import { type Endpoint, nameOf } from "../../components/pills";
import { duration } from "../../components/time";
import { needs } from "../../guard";
import { guideLink, type SiteContext, type SiteEnv } from "../../site";
import { snippetsFor } from "../../verify/receivers";
import { verifiersFor } from "../../verify/verifiers";
import { page } from "../../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

async function show(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  const [endpoint, { data: latest }] = await Promise.all([
    site.api.endpoints.get(tenant, id),
    site.api.deliveries.list(tenant, id, { query: { limit: 10 } }),
  ]);
  const delivery = latest.find(({ attempts }) => attempts > 0);
  const here = endpointPath(site, tenant, endpoint.id);
  const { node, python } = snippetsFor(endpoint);
  return page(
    c,
    { title: `Verify · ${nameOf(endpoint)}`, current: "Endpoints" },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Verify">
      <Card title="What it sends">
        <Sends endpoint={endpoint} />
        <p class="hint">
          Verify over the bytes as they came, answer fast, deduplicate:{" "}
          <a {...guideLink(site.base, "/docs/receivers")}>help for receivers</a>.
        </p>
      </Card>
      <div class="columns wide">
        <Card title="Receiver in Node">
          <p class="hint">Filled in for this endpoint; the secret comes from the environment. No package needed.</p>
          <Block text={node} label="A receiver in Node" code />
        </Card>
        <Card title="Receiver in Python">
          <p class="hint">The same with Python's standard library.</p>
          <Block text={python} label="A receiver in Python" code />
        </Card>
      </div>
      {verifiersFor(endpoint.signature).map(([language, code]) => (
        <details class="card">
          <summary>{`Verify it in ${language}`}</summary>
          <Block text={code} label={`Verifying in ${language}`} code />
        </details>
      ))}
      <Card title="Does your code compute another signature?">
        <p>
          {delivery === undefined ? (
            <>
              <a href={`${here}/test`}>Send a test event</a>, then check
            </>
          ) : (
            <a href={`${here}/deliveries/${delivery.id}#check`}>Check it against the latest delivery</a>
          )}
          {": the page tells what went wrong."}
        </p>
      </Card>
      <p>
        Next: <a href={`${here}/test`}>send a test event</a>
      </p>
    </EndpointFrame>,
  );
}

const Sends: FC<{ endpoint: Endpoint }> = ({ endpoint }) => (
  <Facts
    rows={[
      ["Profile", endpoint.profile],
      ["Method", endpoint.method],
      ["Body", endpoint.format],
      ["Signature", endpoint.signature.scheme],
      ["In the header", endpoint.signature.header === null ? "—" : <code>{endpoint.signature.header}</code>],
      ["Retries after", endpoint.retry.length === 0 ? "never" : endpoint.retry.map(duration).join(", ")],
    ]}
  />
);

function where(c: SiteContext) {
  return { site: c.get("site"), tenant: c.req.param("tenant") ?? "", id: c.req.param("endpoint") ?? "" };
}

/** Programs that verify what an endpoint signs. */
export const endpointVerifyPages = new Hono<SiteEnv>().get("/tenants/:tenant/endpoints/:endpoint/verify", async (c) => {
  needs(c.get("site").may.secrets.get, "Your role reads, and does not set receivers up.");
  return show(c);
});
