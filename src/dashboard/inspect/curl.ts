/**
 * A request as a command for a POSIX shell. Pure.
 * @module
 */

/** A request as it was sent, or would be; its secrets masked. `body`: `null`, none. */
export interface Requested {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

/** An argument may have so many bytes on Linux (MAX_ARG_STRLEN, 128 KiB): half of it in characters, and some take more than one. */
const ARGUMENT_MOST = 40_000;

/**
 * The command that sends a request again, body and headers to the byte. A body with control characters, which a terminal
 * would swallow, or too long for an argument goes through `printf`, which every shell has within.
 */
export function curlOf({ method, url, headers, body }: Requested): string {
  const glob = /[[\]{}]/.test(url) ? "-g " : "";
  const lines = [`curl ${glob}-X ${method} ${quoted(url)}`];
  // Without a value curl would leave it out, but for a semicolon.
  for (const [name, value] of Object.entries(headers)) {
    lines.push(`-H ${quoted(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (body === null) return lines.join(" \\\n  ");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
  if (/[\x00-\x09\x0b-\x1f\x7f]/.test(body) || body.length > ARGUMENT_MOST) {
    return `printf ${quoted(printed(body))} | ${[...lines, "--data-binary @-"].join(" \\\n  ")}`;
  }
  return [...lines, `--data-raw ${quoted(body)}`].join(" \\\n  ");
}

/** In single quotes nothing but a single quote ends a text. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Text as `printf` is told to print it. */
function printed(text: string): string {
  return (
    text
      .replaceAll("\\", "\\\\")
      .replaceAll("%", "%%")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
      .replace(/[\x00-\x1f\x7f]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`)
  );
}
