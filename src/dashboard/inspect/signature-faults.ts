/** What can be wrong, each with what to do about it. */
export const FAULTS = {
  "body-other": "The body that you hashed is not the one that was sent: take the bytes as they came.",
  "body-reserialised": "The body was parsed and written again: hash the bytes as they came, before any JSON parser.",
  "body-line-end": "White space at the body's ends, or its line breaks, were changed: hash the bytes as they came.",
  "body-encoding": "The body was decoded in another character set: hash the bytes, not a text made of them.",
  "body-data": "Only the event's data was hashed: hash the whole body.",
  "body-empty": "An empty body was hashed: something has read it before, so keep its bytes.",
  "secret-old": "It is made with the older secret, which a newer one replaces: give the receiver the new one in time.",
  "secret-replaced":
    "It is right for this attempt, but its secret has been replaced since: give the receiver the new one.",
  "secret-encoding": "whsec_ and what follows was used as text: the key is the base64 after whsec_, decoded.",
  "secret-decoded": "The secret was decoded: the key is its text as it is, in UTF-8.",
  "secret-space": "White space stands around the secret: trim what the receiver has.",
  "other-scheme": "It is what another scheme signs: follow this endpoint's.",
  "timestamp-missing": "The timestamp was left out: sign what stands in front of the body, too, with the dots.",
  "id-missing": "The id was left out: sign ID.TIMESTAMP.BODY, with the dots.",
  "prefix-missing":
    "The header's prefix is missing: compare with the whole value, or take the prefix off the header first.",
  "prefix-extra": "It has a prefix that this scheme's header does not have.",
  base64: "It is in base64 in place of hex.",
  hex: "It is in hex in place of base64.",
  "upper-case": "It is in capitals: the header has small letters.",
  "base64-url": "It is in base64 for URLs, or without its padding: the header has plain base64.",
  "no-mac": "It is no HMAC-SHA256: that has 64 characters in hex, or 44 in base64.",
  unknown: "None of the usual mistakes leads to it: most likely the secret is another endpoint's, or the body another.",
} as const;
export type Fault = keyof typeof FAULTS;

/** Something that is tried, and what is wrong where that is what was done. */
export type Tried<T> = [T, Fault[]];
