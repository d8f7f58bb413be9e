import type { FC } from "hono/jsx";
import { type SiteContext, tenantPath } from "../site";
import { Act } from "./form";
import { Notice } from "./parts";

/** What was done, by the word that the address carries after it: never a text of somebody else's. */
const DONE: Readonly<Record<string, string>> = {
  created: "Created.",
  saved: "Saved. It applies from the next attempt on.",
  renamed: "Renamed.",
  enabled: "Enabled, with a clean failure window. Held deliveries stay held until you recover them.",
  disabled: "Disabled. New deliveries are held until it is enabled again.",
  deleted: "Deleted.",
  resent: "Resend requested. Its status says how it stands.",
  canceled: "Recovery canceled: what it had not sent is as it was.",
  probed: "Probe requested. The breaker says how it stands.",
  replayed: "Replayed. Its deliveries say who gets it.",
  erased: "Content erased.",
  rotated: "Rotated. Both signatures are sent until the overlap ends.",
  promoted: "The new secret is in use.",
  revoked: "Revoked. It stops working within seconds.",
  installed: "Installed.",
  added: "Added.",
  removed: "Removed.",
};

/** What a button of the toast takes back: the endpoint that was just disabled. */
const UNDONE = /^ep_[0-9A-Z]{26}$/;

/** Says what was just done, as the address has it, and offers to take back what can be. */
export const Done: FC<{ c: SiteContext }> = ({ c }) => {
  const { done: what, recovered, of } = c.req.query();
  const count = /^\d{1,9}$/.test(recovered ?? "") ? Number(recovered) : null;
  const known = what !== undefined && Object.hasOwn(DONE, what) ? DONE[what] : undefined;
  const text = count === null ? known : `Recovering ${count} ${count === 1 ? "delivery" : "deliveries"}, oldest first.`;
  if (text === undefined) return null;
  const undoes = what === "disabled" && of !== undefined && UNDONE.test(of) && c.get("site").may.endpoints.update;
  return (
    <div class="toast" role="status">
      <p>{text}</p>
      {undoes ? (
        <Act
          visit={c.get("site")}
          action={tenantPath(c, "endpoints", of, "enable")}
          class="small"
          fields={c.req.param("endpoint") === undefined ? { back: "list" } : {}}
        >
          Undo
        </Act>
      ) : null}
      <button type="button" class="small ghost-button" data-close aria-label="Dismiss">
        ✕
      </button>
    </div>
  );
};

/** What was saved and yet may not be what was meant. */
export const Warnings: FC<{ texts: readonly string[] }> = ({ texts }) =>
  texts.length === 0 ? null : (
    <Notice tone="warn">
      Saved, but look at this:
      <ul>
        {texts.map((text) => (
          <li>{text}</li>
        ))}
      </ul>
    </Notice>
  );
