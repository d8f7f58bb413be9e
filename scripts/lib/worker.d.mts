import type { BuildOptions } from "esbuild";

/** Bundles the Worker as it is deployed, or something else as that is. */
export function bundleWorker(options?: { minify?: boolean } & Partial<BuildOptions>): Promise<void>;
