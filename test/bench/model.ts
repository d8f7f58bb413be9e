/**
 * A capacity model of the deployed shape: how many deliveries per second it carries, how long one takes, what a receiver
 * that hangs does to its neighbours, and what saturates first. Pure. The platform's limits are those of its documents;
 * the latencies are assumptions, named so that they can be replaced by what a deployment measures.
 * @module
 */

import { usdOfMonth } from "./month.ts";

/** What the platform and the code allow. Times in ms. */
export interface Shape {
  /** Queues, each with its slow lane, over which endpoints are spread. */
  queues: number;
  /** Logs that the day of the largest tenant is spread over. */
  shards: number;
  /** Consumer invocations of a queue at once. */
  consumers: number;
  /** Requests of one invocation under way. */
  lanes: number;
  /** Of those, the most for one endpoint while others wait. */
  lanesOfOne: number;
  /** Deliveries of one endpoint in flight. */
  slots: number;
  /** Messages per second through one queue. */
  queuePerSecond: number;
  /** Calls per second of one object that write. */
  objectPerSecond: number;
  /** Bytes of one object, and of a database. */
  objectBytes: number;
  /** The most messages of a consumer's batch. */
  batch: number;
  /** How long a message may wait for its batch to fill. */
  batchWait: number;
  /** Days that a delivery is kept. */
  retentionDays: number;
  /**
   * After which a receiver that hangs is noticed at the latest; from then on its batch goes on without it, and it takes
   * capacity of the slow lane's consumers only.
   */
  noticed: number;
}

/** The shape of wrangler.toml, on the limits of the Workers Paid plan; sources in PRICES and the guide. */
export const DEPLOYED: Shape = {
  queues: 1,
  shards: 1,
  consumers: 250,
  lanes: 6,
  lanesOfOne: 3,
  slots: 25,
  queuePerSecond: 5_000,
  objectPerSecond: 300,
  objectBytes: 10e9,
  batch: 10,
  batchWait: 0,
  retentionDays: 30,
  noticed: 1_000,
};

/** What is asked of it. */
export interface Demand {
  tenants: number;
  /** Deliveries per tenant and day. */
  perTenantAndDay: number;
  /** The largest tenant's share of all. */
  largestShare: number;
  /** How much more than its mean a peak is. */
  peak: number;
  /** ms that a receiver takes to answer. */
  receiver: number;
  /** ms of a call of an object, and of the queue's hand-over. */
  call: number;
  /** Bytes that a tenant takes in the database: itself, an endpoint with its secret, a key. */
  tenantBytes: number;
  /** Bytes that a delivery takes in its endpoint's log, and an event in its own. */
  deliveryBytes: number;
  eventBytes: number;
}

/** A product's customers: most are small, and the largest has a hundred times the mean, at most a fifth of all. */
export function demandOf(tenants: number, perTenantAndDay = 1_000): Demand {
  return {
    tenants,
    perTenantAndDay,
    largestShare: Math.min(0.2, 100 / tenants),
    peak: 5,
    receiver: 200,
    call: 30,
    tenantBytes: 2_500,
    deliveryBytes: 1_000,
    eventBytes: 1_200,
  };
}

/** How full a queue or a log may be at the peak before another is added. */
const FULL = 0.75;
/** The most logs of a tenant's day: an event's id has one character for them. */
const MOST_SHARDS = 32;

/**
 * The shape that a deployment has for a demand: as many queues as `npm run deploy -- --queues` is to be told, in powers of
 * two, and as many shards as the largest tenant's log asks for by itself.
 */
export function deployedFor(demand: Demand): Shape {
  const one = Math.min(DEPLOYED.queuePerSecond, capacityOf(DEPLOYED, demand, DEPLOYED.consumers));
  const offered = peakOf(demand);
  const queues = 2 ** Math.ceil(Math.log2(Math.max(offered / (FULL * one), 1)));
  const shards = Math.ceil((offered * demand.largestShare) / (FULL * DEPLOYED.objectPerSecond));
  return { ...DEPLOYED, queues, shards: Math.min(Math.max(shards, 1), MOST_SHARDS) };
}

function averageOf({ tenants, perTenantAndDay }: Demand): number {
  return (tenants * perTenantAndDay) / SECONDS_A_DAY;
}

function peakOf(demand: Demand): number {
  return averageOf(demand) * demand.peak;
}

/** Something that has a limit, and how much of it the demand takes. */
export interface Bottleneck {
  name: "consumers" | "queue" | "object" | "endpoint" | "storage" | "database";
  /** Deliveries per second of all tenants at which it is full; for the storage, when the largest tenant's object is. */
  capacity: number;
  /** Share that the peak takes of it; over 1 it is overrun. */
  load: number;
}

/** What comes of a demand. */
export interface Outlook {
  tenants: number;
  queues: number;
  shards: number;
  /** Deliveries per second over all tenants, on average and at the peak. */
  average: number;
  offered: number;
  /** What can be sustained of the peak. */
  sustained: number;
  /** The bill of a month in USD, each event posted by itself to one endpoint. */
  usdPerMonth: number;
  /** ms from the post to the receiver's answer, at the peak: median, and 99th percentile. */
  latencyP50: number;
  latencyP99: number;
  /** p99 while endpoints begin to hang, until all are noticed, over the p99 without. */
  neighbourRatio: number;
  first: Bottleneck;
  bottlenecks: Bottleneck[];
}

const SECONDS_A_DAY = 86_400;
const DAYS_A_MONTH = 30;

/** ms that an invocation takes for a batch that is full: ask, send in rounds of its lanes, record. */
export function batchTime({ batch, lanes }: Shape, { receiver, call }: Demand): number {
  return call * 2 + Math.ceil(batch / lanes) * receiver;
}

/** Every limit under the demand, the tightest first. */
export function bottlenecksOf(shape: Shape, demand: Demand): Bottleneck[] {
  const { tenants, largestShare } = demand;
  const average = averageOf(demand);
  const offered = peakOf(demand);
  const consumers = capacityOf(shape, demand, consumersOf(shape));
  // One message a delivery; a batch post puts up to a hundred into one.
  const queue = shape.queuePerSecond * shape.queues;
  // One append per event, in the logs of the largest tenant's day. Its endpoint is called twice for each batch.
  const object = (shape.objectPerSecond * shape.shards) / largestShare;
  // Slots of the largest tenant's one endpoint. Each is held while its grant is on the way to the consumer, for the
  // receiver, and until the outcome has come back, with which the next takes it: what only waits in a queue holds none.
  const endpoint = (shape.slots * 1_000) / (demand.receiver + demand.call) / largestShare;
  const bytesPerDelivery = demand.deliveryBytes * shape.retentionDays;
  const storage = shape.objectBytes / bytesPerDelivery / SECONDS_A_DAY / largestShare;
  const database = (average * shape.objectBytes) / (tenants * demand.tenantBytes);
  const limits: [Bottleneck["name"], number, number][] = [
    ["consumers", consumers, offered],
    ["queue", queue, offered],
    ["object", object, offered],
    ["endpoint", endpoint, offered],
    ["storage", storage, average],
    ["database", database, average],
  ];
  return limits
    .map(([name, capacity, rate]): Bottleneck => ({ name, capacity, load: rate / capacity }))
    .sort((a, b) => b.load - a.load);
}

/**
 * The probability that one of `servers` has to be waited for at this load, of servers that are busy `work` of the time
 * together (Erlang C).
 */
export function erlangC(servers: number, work: number): number {
  if (work >= servers) return 1;
  // By the recursion of Erlang B, which stays within range.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (work * blocked) / (n + work * blocked);
  const load = work / servers;
  return blocked / (1 - load + load * blocked);
}

/** What comes of a demand on a shape. */
export function outlook(shape: Shape, demand: Demand): Outlook {
  const bottlenecks = bottlenecksOf(shape, demand);
  const average = averageOf(demand);
  const offered = peakOf(demand);
  const rates = bottlenecks.filter(({ name }) => name !== "storage" && name !== "database");
  const sustained = Math.min(offered, ...rates.map(({ capacity }) => capacity));
  const calm = latencies(shape, demand, sustained, consumersOf(shape));
  const held = Math.min(HANGING, demand.tenants);
  const storm = latencies(shape, demand, sustained, consumersOf(shape) - held);
  const [first] = bottlenecks as [Bottleneck];
  return {
    tenants: demand.tenants,
    queues: shape.queues,
    shards: shape.shards,
    average,
    offered,
    sustained,
    usdPerMonth: usdOfMonth(average * SECONDS_A_DAY * DAYS_A_MONTH),
    latencyP50: calm.p50,
    latencyP99: calm.p99,
    neighbourRatio: storm.p99 / calm.p99,
    first,
    bottlenecks,
  };
}

/** Endpoints that begin to hang at once. Until each is noticed, its batch holds a consumer. */
const HANGING = 100;

interface Latencies {
  p50: number;
  p99: number;
}

/**
 * Messages that come while one waits for its batch to fill go with it. Beyond that batches form by themselves where messages
 * wait, so that they wait the least: of the sizes that carry what is offered, if any does, the best.
 */
function latencies(shape: Shape, demand: Demand, offered: number, consumers: number): Latencies {
  const fill = Math.min(shape.batchWait, (shape.batch * 1_000) / offered);
  const least = Math.max(1, Math.floor((offered * fill) / 1_000));
  const sizes = Array.from({ length: shape.batch - least + 1 }, (_, i) => ({ ...shape, batch: least + i }));
  const carrying = sizes.filter((size) => capacityOf(size, demand, consumers) > offered);
  const answers = (carrying.length > 0 ? carrying : sizes).map((size) => latenciesOf(size, demand, offered, consumers));
  const { p50, p99 } = answers.reduce((best, answer) => (answer.p99 < best.p99 ? answer : best));
  return { p50: p50 + fill / 2, p99: p99 + fill };
}

function consumersOf({ consumers, queues }: Shape): number {
  return consumers * queues;
}

/** Deliveries per second that so many consumers carry in full batches. */
function capacityOf(shape: Shape, demand: Demand, consumers: number): number {
  return (consumers * shape.batch * 1_000) / batchTime(shape, demand);
}

function latenciesOf(shape: Shape, demand: Demand, offered: number, consumers: number): Latencies {
  const perBatch = batchTime(shape, demand);
  const capacity = capacityOf(shape, demand, consumers);
  const rate = Math.min(offered, 0.99 * capacity);
  // What comes in beyond the capacity until the cause is noticed.
  const backlog = Math.max(offered / capacity - 1, 0) * shape.noticed;
  const work = (rate / shape.batch) * (perBatch / 1_000);
  const waits = erlangC(consumers, work);
  const drain = (consumers - work) / perBatch;
  // Exponential for those who wait at all.
  const waitOf = (share: number) => (waits <= 1 - share ? 0 : Math.log(waits / (1 - share)) / drain);
  const path = demand.call * 3 + demand.receiver;
  const rounds = Math.ceil(shape.batch / shape.lanes) - 1;
  return {
    p50: waitOf(0.5) + path + (rounds * demand.receiver) / 2 + backlog / 2,
    p99: waitOf(0.99) + path + rounds * demand.receiver + backlog,
  };
}

/** What to do when it is the first that is full. */
export const REMEDIES: Readonly<Record<Bottleneck["name"], string>> = {
  consumers: "more queues: `npm run deploy -- --queues`",
  queue: "more queues: `npm run deploy -- --queues`; post in batches",
  object: "nothing: a log asks for more shards by itself, up to 32",
  endpoint: "raise the slots of an endpoint whose receiver answers well",
  storage: "shorten RETENTION_DAYS",
  database: "more databases: `npm run deploy -- --databases`",
};
