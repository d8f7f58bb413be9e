/**
 * JSON text with line breaks and indents. The tokens stay as they are: `1.0` stays `1.0`, and long numbers long. Text that
 * is no JSON is answered as it is. Pure.
 */
export function prettyJson(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const tokens = tokensOf(text);
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      const empty = next === "}" || next === "]";
      if (!empty) depth++;
      out += token + (empty ? "" : line());
    } else if (token === "}" || token === "]") {
      const before = tokens[index - 1];
      const empty = before === "{" || before === "[";
      if (!empty) depth--;
      out += (empty ? "" : line()) + token;
    } else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += token;
  }
  return out;
}

function tokensOf(text: string): string[] {
  return text.match(/"(?:\\.|[^"\\])*"|[^\s"{}[\],:]+|[{}[\],:]/g) ?? [];
}

/** Longer text, in characters, and what is nested deeper is not folded: the page would be many times as long, or too deep. */
const FOLDED_MOST = 65_536;
const FOLDED_DEPTH = 60;

/**
 * JSON text as HTML whose objects and lists fold without a script, its tokens as they are, marked by their kind: `k` a key,
 * `s` a text, `n` a number, `w` a word. `null`: it is no JSON object or list, or too long or too deep for it. Pure.
 */
export function foldingJson(text: string): string | null {
  if (text.length > FOLDED_MOST || !/^\s*[{[]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let line = "";
  let depth = 0;
  const flush = () => {
    if (line !== "") out += `<div>${line}</div>`;
    line = "";
  };
  const tokens = tokensOf(text);
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1] ?? "";
    const before = tokens[index - 1] ?? "";
    if (/[{[]/.test(token[0] ?? "") && !/[\]}]/.test(next)) {
      if (++depth > FOLDED_DEPTH) return null;
      out += `<details open><summary><span>${line}${token}</span></summary>`;
      line = "";
    } else if (/[\]}]/.test(token[0] ?? "") && !/[{[]/.test(before[0] ?? "")) {
      depth--;
      flush();
      out += "</details>";
      line = token;
    } else if (token === ",") {
      line += token;
      flush();
    } else line += token === ":" ? ": " : markedToken(token, next);
  }
  flush();
  return out;
}

function markedToken(token: string, next: string): string {
  const kind =
    token[0] === '"' ? (next === ":" ? "k" : "s") : /^[-\d]/.test(token) ? "n" : /^[a-z]/.test(token) ? "w" : "";
  return kind === "" ? token : `<span class="${kind}">${exactHtml(token)}</span>`;
}

const MARKS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };

/** Text as HTML out of which a browser reads the very same characters: also carriage returns, which it would drop. Pure. */
export function exactHtml(text: string): string {
  return text.replace(/[&<>\r]/g, (mark) => MARKS[mark] ?? mark);
}
