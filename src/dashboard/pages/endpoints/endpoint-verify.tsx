import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { HOUR, SECOND } from "../../../lib/time";
import { Act, Refused, TextField, Token, textOf } from "../../components/form";
import { Block, Card, Copyable, Facts } from "../../components/parts";
import { type Endpoint, nameOf } from "../../components/pills";
import { Ago, At, duration } from "../../components/time";
import { type Refusal, refusedWith } from "../../errors";
import { guideLink, type Site, type SiteContext, type SiteEnv, withQuery } from "../../site";
import { snippetsFor } from "../../snippets";
import { page } from "../../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

/** The longest overlap of a rotation, in hours. */
const LONGEST_OVERLAP = 168;
const DEFAULT_OVERLAP = "24";

type Secret = Awaited<ReturnType<Client["secrets"]["get"]>>;

/** A secret behind a word: it is not on the screen before somebody asks for it. */
const Hidden: FC<{ name: string; secret: string }> = ({ name, secret }) => (
  <details class="secret">
    <summary>Reveal the {name}</summary>
    <Copyable text={secret} label={`Copy the ${name}`} />
  </details>
);

const SecretCard: FC<{
  site: Site;
  here: string;
  secret: Secret;
  now: number;
  refusal: Refusal | null;
  overlap: string;
}> = ({ site, here, secret, now, refusal, overlap }) => (
  <Card title="Signing secret">
    {secret.secret === null ? (
      <p>This endpoint has no secret: it signs nothing.</p>
    ) : (
      <>
        <Hidden name="secret" secret={secret.secret} />
        {secret.next === null || secret.nextFrom === null ? null : (
          <div class="notice warn">
            <p>
              <strong>A rotation is under way.</strong>{" "}
              {secret.between === undefined
                ? "Both signatures are sent until the new secret takes over"
                : `${secret.between.length + 2} secrets overlap until the newest takes over`}{" "}
              <Ago at={secret.nextFrom} now={now} /> (<At at={secret.nextFrom} />
              ). Give the receiver the new one before that.
            </p>
            <Hidden name="new secret" secret={secret.next} />
            <Act
              visit={site}
              action={`${here}/promote`}
              asks="End the overlap? A receiver that still has an older secret will refuse what comes."
            >
              Promote it now
            </Act>
          </div>
        )}
        <details {...(refusal === null ? {} : { open: true })}>
          <summary>{secret.next === null ? "Rotate it …" : "Rotate it again …"}</summary>
          <Refused refusal={refusal} what="The secret was not rotated." />
          <p>
            For the overlap the signatures of the old and the new secret are sent, so the receiver can change over at
            any time within it. With an overlap of 0 all older secrets end at once.
          </p>
          <form method="post" action={`${here}/rotate`}>
            <Token visit={site} />
            <div class="inline">
              <TextField
                name="overlap"
                label="Overlap in hours"
                type="number"
                min={0}
                max={LONGEST_OVERLAP}
                value={overlap}
                errors={refusal?.errors ?? []}
              />
              <TextField name="secret" label="New secret" placeholder="made for you" errors={refusal?.errors ?? []} />
              <button type="submit">Rotate</button>
            </div>
          </form>
        </details>
      </>
    )}
  </Card>
);

async function show(c: SiteContext, refusal: Refusal | null = null, overlap = DEFAULT_OVERLAP): Promise<Response> {
  const { site, tenant, id } = where(c);
  const now = Date.now();
  const [endpoint, secret] = await Promise.all([site.api.endpoints.get(tenant, id), site.api.secrets.get(tenant, id)]);
  const here = endpointPath(site, tenant, endpoint.id);
  const { node, python } = snippetsFor(endpoint);
  return page(
    c,
    { title: `Verify · ${nameOf(endpoint)}`, current: "Endpoints", refusal },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Verify">
      <SecretCard site={site} here={here} secret={secret} now={now} refusal={refusal} overlap={overlap} />
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

const NO_OVERLAP: Refusal = {
  detail: "The overlap cannot be read.",
  errors: [{ path: "overlap", message: `must be 0 to ${LONGEST_OVERLAP} hours` }],
};

/** Hours as the API takes them; `null`: it is no overlap. */
function secondsOf(text: string): number | null {
  const hours = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return hours <= LONGEST_OVERLAP ? Math.round((hours * HOUR) / SECOND) : null;
}

async function rotate(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  const form = c.get("form");
  const text = textOf(form, "overlap") || DEFAULT_OVERLAP;
  const overlap = secondsOf(text);
  if (overlap === null) return show(c, NO_OVERLAP, text);
  const secret = textOf(form, "secret");
  const asked = { overlap, ...(secret === "" ? {} : { secret }) };
  const refusal = await refusedWith(() => site.api.secrets.rotate(tenant, id, asked));
  if (refusal !== null) return show(c, refusal, text);
  const done = overlap === 0 ? "promoted" : "rotated";
  return c.redirect(withQuery(endpointPath(site, tenant, id, "verify"), { done }), 303);
}

/** An endpoint's secret, and programs that verify what it signs. */
export const endpointVerifyPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/endpoints/:endpoint/verify", (c) => show(c))
  .post("/tenants/:tenant/endpoints/:endpoint/rotate", rotate)
  .post("/tenants/:tenant/endpoints/:endpoint/promote", async (c) => {
    const { site, tenant, id } = where(c);
    const refusal = await refusedWith(() => site.api.secrets.promote(tenant, id));
    if (refusal !== null) return show(c, refusal);
    return c.redirect(withQuery(endpointPath(site, tenant, id, "verify"), { done: "promoted" }), 303);
  });
