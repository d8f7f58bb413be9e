/** What a heading's id is. */
export function slugOf(text: string): string;
/** The files of /docs and the OpenAPI document, by their path below the assets, and the headers they are served with. */
export function docsOf(): Promise<{ files: [string, string][]; headers: Record<string, string> }>;
