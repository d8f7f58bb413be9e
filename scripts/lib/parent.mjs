/**
 * Noticing that npm is gone. A signal that npm cannot catch does not reach us either: we only get another parent.
 * @module
 */

const INTERVAL = 500; // milliseconds

/**
 * Calls back once when the npm that started this script is gone. Does nothing when no npm did. The scripts in package.json
 * say `exec`, so that no shell stays in between, which would keep npm's signals and its end from us.
 *
 * @param {() => void} onGone
 */
export function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, INTERVAL);
  timer.unref();
}
