/** How often the API is asked again while the demo waits for something, in milliseconds. */
const POLL_INTERVAL = 100;

/**
 * Asks again until there is an answer. The stage's signal ends the asking.
 *
 * @template T
 * @param {{ signal: AbortSignal }} stage
 * @param {() => Promise<T | undefined>} ask
 * @returns {Promise<T>}
 */
export async function until({ signal }, ask) {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
  }
}
