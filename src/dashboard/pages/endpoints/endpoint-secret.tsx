import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { DAY, SECOND } from "../../../lib/time";
import { Act, Refused, TextField, Token, textOf } from "../../components/form";
import { Card, Copyable, Notice } from "../../components/parts";
import type { Endpoint } from "../../components/pills";
import { Ago, At } from "../../components/time";
import { type Refusal, refusedWith } from "../../errors";
import { durationText, secondsOf } from "../../forms/durations";
import type { Site, SiteContext } from "../../site";
import { endpointPath } from "./endpoint-frame";

/** The longest overlap of a rotation, in seconds. */
const LONGEST_OVERLAP = (7 * DAY) / SECOND;
const DEFAULT_OVERLAP = "24 h";

type Secret = Awaited<ReturnType<Client["secrets"]["get"]>>;

/** What is shown of an endpoint's secret. */
export interface ShownSecret {
  /** `null`: nobody has asked for it, so that it is neither on the page nor in the audit. */
  secret: Secret | null;
  refusal: Refusal | null;
  /** What was typed of a rotation. */
  overlap: string;
}

export const HIDDEN: ShownSecret = { secret: null, refusal: null, overlap: DEFAULT_OVERLAP };

/** The endpoint's signing secret: masked until somebody reveals it, and its rotation. Only for those who may read it. */
export const SecretCard: FC<{ site: Site; tenant: string; endpoint: Endpoint; shown: ShownSecret; now: number }> = ({
  site,
  tenant,
  endpoint,
  shown: { secret, refusal, overlap },
  now,
}) => {
  const here = endpointPath(site, tenant, endpoint.id);
  if (endpoint.signature.scheme === "none") {
    return (
      <Card title="Signing secret" id="secret">
        <p>This endpoint has no secret: it signs nothing.</p>
      </Card>
    );
  }
  return (
    <Card title="Signing secret" id="secret">
      <Refused refusal={refusal} what="The secret was not changed." />
      {secret === null ? (
        <p class="inline">
          <code>••••••••••••••••</code>{" "}
          <Act visit={site} action={`${here}/reveal#secret`} class="small">
            Reveal
          </Act>{" "}
          <small class="muted">Who reveals it stands in the audit.</small>
        </p>
      ) : (
        <Revealed site={site} here={here} secret={secret} now={now} />
      )}
      <details {...(refusal === null ? {} : { open: true })}>
        <summary>Rotate …</summary>
        <p>
          For the overlap the signatures of the old and the new secret are sent, so the receiver can change over at any
          time within it. With an overlap of 0 all older secrets end at once.
        </p>
        <form method="post" action={`${here}/rotate`}>
          <Token visit={site} />
          <div class="inline">
            <TextField name="overlap" label="Overlap" value={overlap} errors={refusal?.errors ?? []} />
            <TextField name="secret" label="Secret" placeholder="made for you" errors={refusal?.errors ?? []} />
            <button type="submit">Rotate</button>
          </div>
        </form>
      </details>
    </Card>
  );
};

const Revealed: FC<{ site: Site; here: string; secret: Secret; now: number }> = ({ site, here, secret, now }) => (
  <>
    <p class="secret">
      <Copyable text={secret.secret ?? ""} label="Copy the secret" /> <a href={`${here}#secret`}>Hide</a>
    </p>
    {secret.next === null || secret.nextFrom === null ? null : (
      <Notice tone="warn">
        <p>
          <strong>A rotation is under way.</strong>{" "}
          {secret.between === undefined
            ? "Both signatures are sent until the new secret takes over"
            : `${secret.between.length + 2} secrets overlap until the newest takes over`}{" "}
          <Ago at={secret.nextFrom} now={now} /> (<At at={secret.nextFrom} />
          ). Give the receiver the new one before that:
        </p>
        <p class="secret">
          <Copyable text={secret.next} label="Copy the new secret" />
        </p>
        <Act
          visit={site}
          action={`${here}/promote`}
          asks="End the overlap? A receiver that still has an older secret will refuse what comes."
        >
          Promote it now
        </Act>
      </Notice>
    )}
  </>
);

function where(c: SiteContext) {
  return { api: c.get("site").api.secrets, tenant: c.req.param("tenant") ?? "", id: c.req.param("endpoint") ?? "" };
}

/** The secret, read for whoever asked to see it. Throws what the API refuses. */
export async function revealed(c: SiteContext): Promise<ShownSecret> {
  const { api, tenant, id } = where(c);
  return { ...HIDDEN, secret: await api.get(tenant, id) };
}

/** An overlap as the API takes it; what is none, as a refusal. */
function overlapOf(text: string): number | Refusal {
  let message = `must be 0 to ${durationText(LONGEST_OVERLAP)}`;
  try {
    const seconds = secondsOf(text);
    if (seconds <= LONGEST_OVERLAP) return seconds;
  } catch (error) {
    message = (error as Error).message;
  }
  return { detail: "The overlap cannot be read.", errors: [{ path: "overlap", message }] };
}

/** What came of a change of the secret: the word for it, or what is shown of its refusal. */
export type Changed = { done: "rotated" | "promoted" } | { shown: ShownSecret };

/** Rotates the secret as the form says. Throws what whoever filled it in cannot mend. */
export async function rotate(c: SiteContext): Promise<Changed> {
  const { api, tenant, id } = where(c);
  const form = c.get("form");
  const text = textOf(form, "overlap") || DEFAULT_OVERLAP;
  const overlap = overlapOf(text);
  const own = textOf(form, "secret");
  const more = own === "" ? {} : { secret: own };
  const refusal =
    typeof overlap === "number" ? await refusedWith(() => api.rotate(tenant, id, { overlap, ...more })) : overlap;
  if (refusal !== null) return { shown: { secret: null, refusal, overlap: text } };
  return { done: overlap === 0 ? "promoted" : "rotated" };
}

/** Ends the overlap of secrets. Throws like {@link rotate}. */
export async function promote(c: SiteContext): Promise<Changed> {
  const { api, tenant, id } = where(c);
  const refusal = await refusedWith(() => api.promote(tenant, id));
  return refusal === null ? { done: "promoted" } : { shown: { ...HIDDEN, refusal } };
}
