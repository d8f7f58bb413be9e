import { MAX_EVENT_TYPES, MAX_LOADED_BYTES, MAX_OF_EACH, OverLimit } from "../../config/limits";
import { invalid, Problem } from "../problems/problem";

/**
 * Awaits a save. A 409 when there are as many of these as there may be; a 422 at `path` when matching would have to load
 * more of the tenant than it may.
 */
export async function saving<T>(save: Promise<T>, path = ""): Promise<T> {
  try {
    return await save;
  } catch (error) {
    if (!(error instanceof OverLimit)) throw error;
    if (error.limit === "types")
      throw new Problem("limit-reached", `There are at most ${MAX_EVENT_TYPES} event types.`);
    if (error.limit !== "bytes")
      throw new Problem("limit-reached", `A tenant has at most ${MAX_OF_EACH} ${error.limit}.`);
    const message = `would make what is matched of the tenant more than ${MAX_LOADED_BYTES} bytes: its endpoints' events and filters, its automations with their segments, and its signals`;
    throw invalid({ path, message });
  }
}
