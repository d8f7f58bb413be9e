/**
 * The promise, or a rejection with the signal's reason once it aborts: so the bound is ours, and does not depend on
 * whatever the runtime is busy with heeding the signal.
 */
export function aborting<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
