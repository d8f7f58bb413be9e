import { existsSync } from "node:fs";

/** Where Debian, and others, put it. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where the browser is; `null`: there is none. Where the variable CHROMIUM says where, it is there or nowhere. */
export function chromium(): string | null {
  const named = process.env.CHROMIUM;
  return (named ? [named] : PLACES).find((path) => existsSync(path)) ?? null;
}
