import { compare, HEADERS, posting } from "./compare.ts";
import type { Effort } from "./effort.ts";
import { Instance } from "./instance.ts";
import type { Load } from "./load.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";
import type { Figure } from "./stats.ts";
import { newUlid } from "./ulid.ts";

/** How accepting and listing fare when there is a hundred times as much: ratios of time, large over small. */
export async function measureGrowth(bundle: string, receiver: Receiver, effort: Effort) {
  const instance = await Instance.posthorn(bundle, { consumers: false, variables: { MAX_ENDPOINTS: "2000" } });
  const { large, small } = effort.rows;
  const slower = async (one: Load, other: Load): Promise<Figure> => {
    // Twice the throughput is half the time.
    return (await compare(other, one, effort)).ratio;
  };

  const logOf = async (rows: number): Promise<Load> => {
    const { tenant, endpoints } = await tenantWith(instance, receiver);
    await fillLedger(instance, `${tenant}/${endpoints[0]}`, rows);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoints[0]}/deliveries?limit=50`;
    return { url: instance.url + path, headers: HEADERS, body: "", method: "GET" };
  };
  const log = await slower(await logOf(large), await logOf(small));

  const acceptOf = async (rows: number): Promise<Load> => {
    const { tenant } = await tenantWith(instance, receiver);
    await fillLog(instance, tenant, rows);
    return posting(instance, tenant);
  };
  const accept = await slower(await acceptOf(large), await acceptOf(small));

  const matchOf = async (endpoints: number): Promise<Load> => {
    const { tenant } = await tenantWith(instance, receiver);
    await fillEndpoints(instance, tenant, endpoints - 1);
    return posting(instance, tenant);
  };
  const match = await slower(await matchOf(1_000), await matchOf(10));
  await instance.stop();
  return { logRatio: log, acceptRatio: accept, matchRatio: match };
}

/** SQL: a table `n` of the numbers 1 to `count`. */
function numbers(count: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
}

/** SQL: ids that sort by `i` and lie before now, under `prefix`. */
function ids(prefix: string, suffix: string): string {
  const time = newUlid(Date.now() - 60_000).slice(0, 10);
  return `'${prefix}${time}00' || substr('00000000000000' || i, -14) || '${suffix}'`;
}

async function fillLedger(instance: Instance, name: string, rows: number): Promise<void> {
  const log = JSON.stringify([{ id: "att_0", number: 1, at: 0, durationMs: 12, statusCode: 204, error: null }]);
  const sql = `INSERT INTO deliveries (id, event, status, attempts, code, finished, duration, log) ${numbers(rows)}
    SELECT ${ids("dlv_", "0")}, 'lead.hot', 'succeeded', 1, 204, 1, 12, '${log}' FROM n`;
  await fill(instance, `Endpoint ${name}`, [{ sql }]);
}

async function fillLog(instance: Instance, tenant: string, rows: number): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  // The first event makes the tables.
  await instance.api("POST", `/tenants/${tenant}/events`, { event: "lead.hot", data: {} });
  const sql = `INSERT INTO events (ulid, event, timestamp, payload, data, matches) ${numbers(rows)}
    SELECT ${ids("", "")}, 'lead.hot', 1, 'evt_x', '${JSON.stringify(SAMPLE)}', '[]' FROM n`;
  const confirm = { sql: "UPDATE state SET confirmed = (SELECT max(ulid) FROM events)" };
  await fill(instance, `EventLog ${tenant}/${day}`, [{ sql }, confirm]);
}

/** Writes into an object past its code, which is then loaded anew. */
async function fill(instance: Instance, object: string, statements: { sql: string }[]): Promise<void> {
  await instance.bench("sql", { object, statements });
  await instance.bench("evict");
}

/** Adds endpoints that no event of the bench is for. */
async function fillEndpoints(instance: Instance, tenant: string, count: number): Promise<void> {
  const columns: string[] = (await instance.bench("d1", { sql: "PRAGMA table_info(endpoints)" })).results.map(
    ({ name }: { name: string }) => name,
  );
  const changed: Record<string, string> = {
    id: `'ep_${tenant}_' || i`,
    uid: "NULL",
    events: `'["lead.cold"]'`,
  };
  const values = columns.map((column) => changed[column] ?? `e.${column}`);
  await instance.bench("d1", {
    sql: `INSERT INTO endpoints (${columns.join(", ")}) ${numbers(count)}
      SELECT ${values.join(", ")} FROM n, (SELECT * FROM endpoints WHERE tenant = '${tenant}' LIMIT 1) e`,
  });
}
