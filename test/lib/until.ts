import { inject } from "vitest";
import { strain } from "./patience";

declare module "vitest" {
  interface ProvidedContext {
    /** `TEST_PATIENCE`: how long a test waits for something on a quiet machine, in ms. */
    patience: number;
    /** The URL of the receiver that the suites in workerd share. */
    receiver: string;
  }
}

/** How often is asked again, in ms. */
const POLL_INTERVAL = 25;

/**
 * Asks again until `probe` answers something truthy, and answers that. Gives up after `ms` of a quiet machine, which are the
 * more the more this one has to do.
 *
 * @param what is waited for, or what there is to say of it by then
 * @param ms by default what `TEST_PATIENCE` says
 * @throws when it gives up, with `what`; whatever `probe` throws, at once
 */
export async function until<T>(
  what: string | (() => string),
  probe: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  ms = inject("patience"),
): Promise<T> {
  // Not Date, which some suites hold still.
  const began = performance.now();
  for (;;) {
    const value = await probe();
    if (value) return value;
    const waited = performance.now() - began;
    if (waited > ms && waited > ms * (await strainOutside())) {
      throw new Error(`waited ${Math.round(waited)} ms in vain: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
  }
}

/** That of the machine: inside workerd, as the receiver tells it. */
async function strainOutside(): Promise<number> {
  const receiver: string | undefined = inject("receiver");
  return receiver === undefined ? strain() : Number(await (await fetch(`${receiver}/strain`)).text());
}
