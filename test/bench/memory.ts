import { statfs } from "node:fs/promises";

/** Files that are kept in memory, on Linux. */
const MEMORY = "/dev/shm";
/** What the largest part takes, with room to spare, in bytes: a container may have very little of it. */
const NEEDED = 4 * 2 ** 30;

/**
 * Has what is temporary kept in memory from now on, the objects' storage with it, and answers where it is kept. All of
 * the local runtime is one thread, and it stands still while a disk syncs; the platform's storage does not work that way.
 */
export async function keepInMemory(): Promise<string> {
  const free = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  if (free < NEEDED) return "on disk, which every commit waits for";
  process.env.TMPDIR = MEMORY;
  return "in memory";
}
