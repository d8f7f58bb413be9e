import { base64Url, sha256 } from "../../lib/crypto";

/** Bytes of a hash that a tag keeps: enough that two states of a thing never share one by chance. */
const TAG_BYTES = 16;

/** The entity tag (RFC 9110, 8.8.3) of a representation: strong, and the same wherever the text is. */
export async function tagOf(text: string): Promise<string> {
  return `"${base64Url((await sha256(text)).subarray(0, TAG_BYTES))}"`;
}

/** Whether a list of tags, as `If-Match` and `If-None-Match` have it, names this one; `*` names any. Pure. */
export function isNamed(list: string | undefined, tag: string): boolean {
  if (list === undefined) return false;
  // Weak or not: what passes the answers on may have compressed them, and called the tag weak for it.
  return list.split(",").some((one) => [tag, `W/${tag}`, "*"].includes(one.trim()));
}
