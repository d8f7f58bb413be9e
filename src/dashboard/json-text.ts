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
  const tokens = text.match(/"(?:\\.|[^"\\])*"|[^\s"{}[\],:]+|[{}[\],:]/g) ?? [];
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
