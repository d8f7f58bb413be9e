const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new ULID of now, in the form of an event's. */
export function newUlid(now: number): string {
  let time = "";
  for (let i = 0, rest = now; i < 10; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time;
  const random = Array.from({ length: 15 }, () => ALPHABET[Math.floor(Math.random() * 32)]).join("");
  return `${time}0${random}`;
}
