/**
 * The keys that a path leads through, as filters and signals write it: `company.domain`. A dot that belongs to a key is
 * written `\.`, a backslash before a dot or another one `\\`; any other stands for itself. Pure.
 */
export function splitPath(path: string): string[] {
  if (!path.includes("\\")) return path.split(".");
  const keys = [""];
  for (const [part] of path.matchAll(/\\[.\\]|[\s\S]/g)) {
    if (part === ".") keys.push("");
    else keys[keys.length - 1] += part.length > 1 && part[0] === "\\" ? part.slice(1) : part;
  }
  return keys;
}

/** A key as a path writes it. */
export function pathKey(key: string): string {
  return key.replaceAll(/[\\.]/g, "\\$&");
}
