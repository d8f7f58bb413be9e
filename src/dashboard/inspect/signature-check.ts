/**
 * What is wrong with a signature that somebody's receiver computed: told by trying what goes wrong. Pure but for WebCrypto;
 * each comparison takes the same time whatever is compared.
 * @module
 */
import { SIGNING_SCHEMES, type SigningScheme, schemeOf } from "../../config/endpoints/schemes";
import type { Signature } from "../../contracts/wire";
import { fromBase64, hex, hmacKey, hmacSha256, sameText, utf8 } from "../../lib/crypto";
import type { Fault, Tried } from "./signature-faults";
import { bodiesOf } from "./tried-bodies";

/** What is checked against what. */
export interface Check {
  /** Those that sign now, oldest first. */
  secrets: readonly string[];
  signature: Signature;
  /** The attempt's, as they were sent. */
  headers: Record<string, string>;
  /** The body that was sent. */
  body: string;
  /** What the receiver computed. */
  pasted: string;
  /** The body that it hashed; `null`: it does not say. */
  hashed: string | null;
}

/** What came of a check. Without faults it is right. */
export interface Checked {
  faults: Fault[];
  /** The other scheme under which it would be right; `null`: none. */
  like: string | null;
  /** Where the hashed body is another than the one sent, in bytes from its beginning; `null`: nowhere, or none was given. */
  differsAt: number | null;
}

/** Tries what makes the pasted signature. Throws for the scheme `none`, which has none. */
export async function checkSignature(check: Check): Promise<Checked> {
  const { signature, body, hashed } = check;
  const scheme = schemeOf(signature.scheme);
  if (scheme === null) throw new Error("the scheme none signs nothing");
  const differsAt = hashed === null ? null : firstDifference(utf8(body), utf8(hashed));
  const faults = await faultsOf(check, scheme);
  const like = faults.some((fault) => NOT_OF_FORM.includes(fault)) ? await otherScheme(check, scheme) : null;
  return {
    faults: like === null ? faults : ["other-scheme", ...faults.filter((one) => one !== "unknown")],
    like,
    differsAt,
  };
}

/** Faults that may come of another scheme being followed, rather than of how the signature is written. */
const NOT_OF_FORM: readonly Fault[] = [
  "timestamp-missing",
  "id-missing",
  "secret-encoding",
  "secret-decoded",
  "unknown",
];

/** The name of another scheme under which the pasted signature is right as it is written; `null`: there is none. */
async function otherScheme(
  { secrets, headers, body, pasted, signature }: Check,
  own: SigningScheme,
): Promise<string | null> {
  const { core, prefix } = partsOf(withoutName(pasted, signature.header ?? own.header));
  const given = decoded(core);
  const stamp = stampOf(headers, own, signature.header ?? own.header);
  for (const [name, scheme] of Object.entries(SIGNING_SCHEMES)) {
    if (scheme === own || scheme.signs === "secret" || given === null) continue;
    if (formFaults(scheme, core, prefix, given.encoding).length > 0) continue;
    const [[head = ""] = []] = headsOf(scheme, stamp);
    for (const secret of secrets) {
      const [[key = utf8(secret)] = []] = keysOf(secret, scheme);
      if (sameText(hex(await mac({ key, text: joined(head, utf8(body)) })), given.mac)) return name;
    }
  }
  return null;
}

async function faultsOf(check: Check, scheme: SigningScheme): Promise<Fault[]> {
  const { secrets, headers, signature } = check;
  const header = signature.header ?? scheme.header;
  const pasted = withoutName(check.pasted, header);
  if (scheme.signs === "secret") return tokenFaults(check, pasted);
  const { core, prefix } = partsOf(pasted);
  const given = decoded(core);
  if (given === null) return ["no-mac"];
  const form = formFaults(scheme, core, prefix, given.encoding);
  const stamp = stampOf(headers, scheme, header);
  for (const one of candidates(check, scheme, stamp)) {
    if (sameText(hex(await mac(one)), given.mac)) return [...one.faults, ...form];
  }
  const asSent = Object.values(headers).flatMap((value) => value.split(/[ ,]/).flatMap((part) => macsIn(part)));
  const wasSent = asSent.filter((sent) => sameText(sent, given.mac)).length > 0;
  if (wasSent) return secrets.length > 0 ? ["secret-replaced", ...form] : form;
  return ["unknown", ...form];
}

async function tokenFaults({ secrets, body }: Check, pasted: string): Promise<Fault[]> {
  const index = secrets.findLastIndex((secret) => sameText(secret, pasted));
  if (index >= 0) return index < secrets.length - 1 ? ["secret-old"] : [];
  const given = decoded(partsOf(pasted).core);
  for (const secret of given === null ? [] : secrets) {
    const made = hex(await mac({ key: utf8(secret), text: utf8(body) }));
    if (sameText(made, given?.mac ?? "")) return ["other-scheme"];
  }
  return [secrets.some((secret) => sameText(secret.trim(), pasted.trim())) ? "secret-space" : "unknown"];
}

/** A header's value, where its whole line was pasted. */
function withoutName(text: string, header: string): string {
  const value = text.trim();
  return value.toLowerCase().startsWith(`${header.toLowerCase()}:`) ? value.slice(header.length + 1).trim() : value;
}

/** The signature in what was pasted, and what stands in front of it. Of several the first. */
function partsOf(pasted: string): { core: string; prefix: string } {
  const [, prefix = "", core = ""] = /^((?:t=\d+,)?(?:sha256=|v1[,=]))?([^\s,]+)/.exec(pasted) ?? [];
  return { prefix: prefix.replace(/^t=\d+,/, ""), core };
}

type Encoding = "hex" | "HEX" | "base64" | "base64url";

/** The bytes of an HMAC-SHA256 as hex, and how they were written; `null`: it is none. */
function decoded(core: string): { mac: string; encoding: Encoding } | null {
  if (/^[0-9a-f]{64}$/i.test(core)) {
    return { mac: core.toLowerCase(), encoding: core === core.toLowerCase() ? "hex" : "HEX" };
  }
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(core)) return null;
  try {
    const mac = hex(fromBase64(`${core.replace(/=$/, "").replaceAll("-", "+").replaceAll("_", "/")}=`));
    return { mac, encoding: /^[^_-]{43}=$/.test(core) ? "base64" : "base64url" };
  } catch {
    return null;
  }
}

function macsIn(part: string): string[] {
  const mac = decoded(part.replace(/^(?:sha256=|v1=)/, ""))?.mac;
  return mac === undefined ? [] : [mac];
}

/** What is wrong with how it is written. */
function formFaults(scheme: SigningScheme, core: string, prefix: string, encoding: Encoding): Fault[] {
  const wanted = scheme.each.replace("{signature}", "");
  const faults: Fault[] = [];
  if (prefix !== wanted) faults.push(prefix === "" ? "prefix-missing" : "prefix-extra");
  if (scheme.encoding === "hex" && core.length < 64) faults.push("base64");
  else if (scheme.encoding === "base64" && core.length === 64) faults.push("hex");
  else if (encoding === "HEX") faults.push("upper-case");
  else if (encoding === "base64url") faults.push("base64-url");
  return faults;
}

interface Stamp {
  id: string;
  timestamp: string;
}

/** What a scheme may sign along, as it was sent; empty: it was not. */
function stampOf(headers: Record<string, string>, scheme: SigningScheme, header: string): Stamp {
  const of = (name: string | null) =>
    Object.entries(headers).find(([known]) => known.toLowerCase() === name?.toLowerCase())?.[1] ?? "";
  const [, stamped = ""] = /(?:^|,)t=(\d+)/.exec(of(header)) ?? [];
  return { id: of(scheme.idHeader), timestamp: of(scheme.timestampHeader) || stamped };
}

interface Candidate {
  key: Uint8Array<ArrayBuffer>;
  text: Uint8Array<ArrayBuffer>;
}

async function mac({ key, text }: Candidate): Promise<Uint8Array> {
  return new Uint8Array(await hmacSha256(await hmacKey(key), text));
}

/** All that is tried, those with the fewest faults first. */
function candidates(check: Check, scheme: SigningScheme, stamp: Stamp): (Candidate & { faults: Fault[] })[] {
  const keys = check.secrets.flatMap((secret, i) =>
    keysOf(secret, scheme).map(([key, fault]) => ({
      key,
      faults: [...(i < check.secrets.length - 1 ? ["secret-old" as const] : []), ...fault],
    })),
  );
  const all = keys.flatMap(({ key, faults }) =>
    bodiesOf(check.body, check.hashed).flatMap(([text, ofText]) =>
      headsOf(scheme, stamp).map(([head, ofHead]) => ({
        key,
        text: joined(head, text),
        faults: [...ofText, ...ofHead, ...faults],
      })),
    ),
  );
  return all.toSorted((a, b) => a.faults.length - b.faults.length);
}

function keysOf(secret: string, scheme: SigningScheme): Tried<Uint8Array<ArrayBuffer>>[] {
  const text = utf8(secret);
  const padded: Tried<Uint8Array<ArrayBuffer>>[] = ["\n", " ", "\r\n"].map((end) => [
    utf8(secret + end),
    ["secret-space"],
  ]);
  const plain = secret.replace(/^whsec_/, "");
  const read = (decode: (text: string) => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] => {
    try {
      const bytes = decode(plain);
      return bytes.byteLength === 0 ? [] : [bytes];
    } catch {
      return [];
    }
  };
  if (scheme.key === "whsec" && plain !== secret) {
    const [right = text] = read(fromBase64);
    return [
      [right, []],
      [text, ["secret-encoding"]],
      [utf8(plain), ["secret-encoding"]],
      ...padded.map(([key]): Tried<Uint8Array<ArrayBuffer>> => [key, ["secret-encoding", "secret-space"]]),
    ];
  }
  const others = [...(/^(?:[0-9a-f]{2})+$/i.test(plain) ? read(fromHex) : []), ...read(fromBase64)];
  return [[text, []], ...others.map((key): Tried<Uint8Array<ArrayBuffer>> => [key, ["secret-decoded"]]), ...padded];
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** What stands in front of the body. */
function headsOf({ signs }: SigningScheme, { id, timestamp }: Stamp): Tried<string>[] {
  const whole: Tried<string>[] = timestamp === "" ? [] : [[`${timestamp}.`, []]];
  if (signs === "body") return [["", []], ...whole.map(([head]): Tried<string> => [head, ["other-scheme"]])];
  if (signs === "timestamp.body") return [...whole, ["", ["timestamp-missing"]]];
  return [
    [`${id}.${timestamp}.`, []],
    [`${timestamp}.`, ["id-missing"]],
    [`${id}.`, ["timestamp-missing"]],
    ["", ["timestamp-missing"]],
  ];
}

function joined(head: string, text: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (head === "") return text;
  const front = utf8(head);
  const whole = new Uint8Array(front.byteLength + text.byteLength);
  whole.set(front);
  whole.set(text, front.byteLength);
  return whole;
}

/** Where two bodies are other ones; `null`: nowhere. */
function firstDifference(a: Uint8Array, b: Uint8Array): number | null {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at >= 0) return at;
  return a.byteLength === b.byteLength ? null : a.byteLength;
}
