import type { FC } from "hono/jsx";
import { Notice } from "./parts";

/** What was done, by the word that the address carries after it: never a text of somebody else's. */
const DONE: Readonly<Record<string, string>> = {
  created: "Created.",
  saved: "Saved. It holds from the next attempt on.",
  enabled: "Enabled, with a clean failure window. What was held stays held until you recover it.",
  disabled: "Disabled. New deliveries are held until it is enabled again.",
  deleted: "Deleted.",
  resent: "Resend requested. How it stands is below.",
  probed: "Probe requested. How the breaker stands is below.",
  replayed: "Replayed. Who gets it is below.",
  erased: "The content is erased.",
  rotated: "Rotated. Both signatures are sent until the overlap ends.",
  promoted: "The new secret has taken over.",
  revoked: "Revoked. It stops working within seconds.",
  installed: "Installed.",
  added: "Added.",
  removed: "Removed.",
};

/** Says what was just done. `recovered`: how many deliveries, as the address has it. */
export const Done: FC<{ what: string | undefined; recovered: string | undefined }> = ({ what, recovered }) => {
  const count = /^\d{1,9}$/.test(recovered ?? "") ? Number(recovered) : null;
  const known = what !== undefined && Object.hasOwn(DONE, what) ? DONE[what] : undefined;
  const text = count === null ? known : `Recovering ${count} ${count === 1 ? "delivery" : "deliveries"}, oldest first.`;
  return text === undefined ? null : <Notice tone="good">{text}</Notice>;
};
