/** The body formats, the signature schemes and the methods that an endpoint can be set to. */
export const FORMATS = ["envelope", "event", "flat", "subjects", "typed", "cloudevents"] as const;
export type Format = (typeof FORMATS)[number];
export const SCHEMES = ["hex", "token", "standard", "svix", "github", "stripe", "none"] as const;
export type Scheme = (typeof SCHEMES)[number];
export const METHODS = ["POST", "PUT", "PATCH", "GET"] as const;
export type Method = (typeof METHODS)[number];

/** How a request is signed; `header` as far as the scheme lets it be chosen. */
export interface Signature {
  scheme: Scheme;
  header: string | null;
}
