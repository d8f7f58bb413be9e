const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Of the last ULID: its ms, and how many were made in it before. */
const last = { ms: 0, count: 0 };

/**
 * A new ULID of now (ms), in the form of an event's. Those of one ms ascend, as those that an event log mints do: where
 * a row lies decides how many pages of its table are written.
 */
export function newUlid(now: number): string {
  last.count = now === last.ms ? last.count + 1 : 0;
  last.ms = now;
  return `${base32(now, 10)}0${base32(last.count, 15)}`;
}

function base32(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32] + text;
  return text;
}
