/**
 * What Linux tells of processes. Elsewhere nothing is told.
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

/** Ticks of the clock that `/proc` counts CPU by, per second: 100 on every Linux (`sysconf(_SC_CLK_TCK)`). */
const TICKS = 100;

/** The ids of the runtimes that this process has started. */
export async function runtimes(): Promise<number[]> {
  const names = await readdir("/proc").catch(() => [] as string[]);
  const processes = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(statOf));
  return processes.flatMap((stat) => (stat?.name === "workerd" && stat.parent === process.pid ? [stat.id] : []));
}

/** The CPU that a process has used, its own and the system's for it, in ms; `NaN` where that is not told. */
export async function cpuOf(id: number): Promise<number> {
  const stat = await statOf(String(id));
  return stat === null ? Number.NaN : (stat.ticks * 1_000) / TICKS;
}

/** See `proc_pid_stat(5)`. The name may hold anything, so what is read comes after its end. */
async function statOf(name: string): Promise<{ id: number; name: string; parent: number; ticks: number } | null> {
  const text = await readFile(`/proc/${name}/stat`, "utf8").catch(() => null);
  if (text === null) return null;
  const end = text.lastIndexOf(")");
  const rest = text.slice(end + 2).split(" ");
  const ticks = Number(rest[11]) + Number(rest[12]);
  return { id: Number(name), name: text.slice(text.indexOf("(") + 1, end), parent: Number(rest[1]), ticks };
}
