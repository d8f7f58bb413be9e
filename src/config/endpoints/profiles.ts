import type { Format, Method, Scheme } from "../../contracts/wire";

/** A named preset of body format, signature, method and retry schedule. */
export interface Profile {
  format: Format;
  signature: { scheme: Scheme; header?: string };
  method: Method;
  /** Delays before the retries, in seconds. */
  retry: readonly number[];
  /** Seconds of one attempt until the headers of its answer are there, and never more for all of it. */
  timeout: number;
}

/** 30 s, 2 min, 10 min, 1 h, 4 h: the ClearView page's table. */
const CLEARVIEW_RETRY = [30, 120, 600, 3_600, 14_400];
/** 2 s, 4 s, 8 s: the Clarm page; the finder page says three, exponential. */
const SHORT_RETRY = [2, 4, 8];
/** 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h: the schedule that Svix and Standard Webhooks publish. */
const STANDARD_RETRY = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

const common = { method: "POST", timeout: 10 } as const;

/** The profiles by name. Each is a row of data: no code asks for a profile's name. */
export const PROFILES = {
  clearview: { ...common, format: "envelope", signature: { scheme: "hex" }, retry: CLEARVIEW_RETRY },
  clarm: { ...common, format: "event", signature: { scheme: "hex" }, retry: SHORT_RETRY },
  finder: { ...common, format: "flat", signature: { scheme: "hex" }, retry: SHORT_RETRY },
  snitcher: {
    ...common,
    format: "subjects",
    signature: { scheme: "hex", header: "Signature" },
    retry: CLEARVIEW_RETRY,
  },
  visits: { ...common, format: "flat", signature: { scheme: "token" }, retry: CLEARVIEW_RETRY },
  standard: { ...common, format: "typed", signature: { scheme: "standard" }, retry: STANDARD_RETRY },
  svix: { ...common, format: "flat", signature: { scheme: "svix" }, retry: STANDARD_RETRY },
  cloudevents: { ...common, format: "cloudevents", signature: { scheme: "standard" }, retry: STANDARD_RETRY },
  github: { ...common, format: "flat", signature: { scheme: "github" }, retry: CLEARVIEW_RETRY },
  stripe: { ...common, format: "envelope", signature: { scheme: "stripe" }, retry: STANDARD_RETRY },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as [ProfileName, ...ProfileName[]];

/** The profile of that name. Throws when there is none: names are checked when they are saved. */
export function profileOf(name: string): Profile {
  const profile: Profile | undefined = (PROFILES as Readonly<Record<string, Profile>>)[name];
  if (profile === undefined) throw new Error(`no profile is called ${name}`);
  return profile;
}
