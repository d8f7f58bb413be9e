/**
 * Host (with its port) and path of a request's URL. The platform has it in its normal form, without a name to sign in with,
 * so it needs no parsing, which takes as long as a hundredth of accepting an event. Pure.
 */
export function partsOf(url: string): { host: string; path: string } {
  const host = url.indexOf("//") + 2;
  const path = url.indexOf("/", host);
  const end = url.slice(path).search(/[?#]/);
  return { host: url.slice(host, path), path: end < 0 ? url.slice(path) : url.slice(path, path + end) };
}
