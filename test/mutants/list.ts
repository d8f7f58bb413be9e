/**
 * Changes of one place of `src`, each with the tests that must notice: `npm run test:mutants`. Whoever mends a fault adds
 * the change that brings it back.
 * @module
 */
import { ACCESS, GUARDS } from "./access.ts";
import { COMPARING } from "./comparing.ts";
import { CONSUMING, SENDING } from "./delivery.ts";
import { EDGES } from "./edges.ts";
import { DECIDING, WAITING } from "./endpoint.ts";
import { EVENTS } from "./events.ts";
import type { Mutant } from "./mutant.ts";
import { REQUESTS } from "./requests.ts";
import { SAYING } from "./saying.ts";

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  ...SENDING,
  ...CONSUMING,
  ...DECIDING,
  ...WAITING,
  ...EVENTS,
  ...COMPARING,
  ...REQUESTS,
  ...SAYING,
  ...ACCESS,
  ...GUARDS,
  ...EDGES,
];
