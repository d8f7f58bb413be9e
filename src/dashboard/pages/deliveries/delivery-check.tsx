import type { FC } from "hono/jsx";
import { TextArea, TextField, Token, textOf } from "../../components/form";
import { Card, Notice } from "../../components/parts";
import type { Attempt, Endpoint } from "../../components/pills";
import { type Checked, checkSignature } from "../../inspect/signature-check";
import { FAULTS } from "../../inspect/signature-faults";
import { guideLink, type Site, type SiteContext } from "../../site";

/** What was pasted, and what came of it. */
export interface ShownCheck {
  pasted: string;
  hashed: string;
  /** `null`: nothing was tried. */
  checked: Checked | null;
}

/** Where somebody pastes the signature that their code computed of an attempt; only for those who may read the secret. */
export const CheckCard: FC<{ site: Site; here: string; attempt: Attempt; shown: ShownCheck | null }> = ({
  site,
  here,
  attempt,
  shown,
}) => (
  <Card title="Check a signature here" id="check">
    {shown?.checked ? <Verdict site={site} checked={shown.checked} /> : null}
    <form method="post" action={`${here}/check#check`}>
      <Token visit={site} />
      <input type="hidden" name="attempt" value={attempt.number} />
      <TextField
        name="pasted"
        label={`The signature that your code computed of attempt ${attempt.number}`}
        value={shown?.pasted}
        required
        hint="It is tried against the bytes that were sent, with this endpoint's secrets; nothing of it is kept."
      />
      <TextArea
        name="hashed"
        label="The body that it hashed, if you have it"
        rows={3}
        code
        value={shown?.hashed === "" ? undefined : shown?.hashed}
      />
      <button type="submit">Check</button>
    </form>
  </Card>
);

const Verdict: FC<{ site: Site; checked: Checked }> = ({ site, checked: { faults, like, differsAt } }) =>
  faults.length === 0 ? (
    <Notice tone="good">
      <strong>Right.</strong> It is what was sent: compare it with the header in constant time.
    </Notice>
  ) : (
    <Notice tone="bad">
      <p>
        <strong>Not right:</strong>
      </p>
      <ul>
        {faults.map((fault) => (
          <li>
            {FAULTS[fault]}
            {fault === "other-scheme" && like !== null ? ` That is ${like}.` : ""}
          </li>
        ))}
      </ul>
      {differsAt === null ? null : <p>{`The body that you hashed differs from byte ${differsAt} on.`}</p>}
      <p>
        <a {...guideLink(site.base, "/docs/receivers#troubleshooting")}>Help for receivers</a>
      </p>
    </Notice>
  );

/** Tries what was pasted. `null`: the attempt's body is not kept any more, or the endpoint signs nothing. */
export async function checkOf(c: SiteContext, endpoint: Endpoint, attempt: Attempt): Promise<ShownCheck | null> {
  const { body, headers } = attempt.request;
  if (body === null || endpoint.signature.scheme === "none") return null;
  const form = c.get("form");
  const pasted = textOf(form, "pasted");
  // Not trimmed: white space is what may be wrong with it. But a form writes each line break as two characters.
  const typed = String(form.get("hashed") ?? "");
  const { secret, next } = await c.get("site").api.secrets.get(c.req.param("tenant") ?? "", endpoint.id);
  const secrets = [secret, next].filter((one) => one !== null);
  const { signature } = endpoint;
  const hashed = typed === "" ? null : body.includes("\r") ? typed : typed.replaceAll("\r\n", "\n");
  return {
    pasted,
    hashed: typed,
    checked: await checkSignature({ secrets, signature, headers, body, pasted, hashed }),
  };
}
