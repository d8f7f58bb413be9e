import {
  type Claim,
  type DeliveryError,
  type Grant,
  type Lane,
  type Outcome,
  reportOf,
} from "../../src/contracts/delivery";
import type { AdmitAnswer, AdmitRequest, Hanging, Recorded } from "../../src/contracts/endpoint";
import type { Env } from "../../src/contracts/env";
import type { Delivery } from "../../src/contracts/event";
import type { EndpointSettings } from "../../src/contracts/settings";
import { LEASE } from "../../src/endpoint/policy/admission";
import { deliveryId, encodeTime } from "../../src/lib/ids";
import type { Granted, Text } from "../../src/send/attempt";
import { EndpointRun } from "../../src/send/deliver";
import { Invocation } from "../../src/send/invocation/invocation";
import type { Share } from "../../src/send/invocation/share";
import { SETTINGS } from "../endpoint/ledgers";

export const T0 = Date.parse("2026-11-27T12:00:00.000Z");

let serial = 0;

/** So many deliveries of events of a time (ms), as a message brings them that has no room for the texts. */
export function references(count: number, at = T0): Delivery[] {
  return Array.from({ length: count }, () => {
    const id = deliveryId(`${encodeTime(at)}${String(++serial).padStart(16, "0")}`, 0);
    return { id, type: "e" };
  });
}

/** So many deliveries whose texts travel with them. */
export function items(count: number): Delivery[] {
  const text = { timestamp: T0, payloadId: "evt_x", data: "{}" };
  return references(count).map((reference) => ({ ...reference, text }));
}

/**
 * An endpoint's object that does as it is told: of what it is offered it grants as many as there is room for, leaves the
 * rest undecided where its consumer offers it again, and else makes rows.
 */
export class Room {
  settings: EndpointSettings = SETTINGS;
  /** Of the endpoint, in ms. */
  pace: number | undefined;
  slow = false;
  shut = false;
  /** Where there is room, so many are granted though they are more: the endpoint answers at once. */
  atOnce = 0;
  /** Deliveries that wait for a slot. */
  claimable: Delivery[] = [];
  /** How many of the next calls of each kind fail. */
  readonly fails = { admit: 0, record: 0, lag: 0 };
  /** So many answers more leave every delivery undecided. */
  undecided = 0;
  readonly admits: AdmitRequest[] = [];
  readonly records: { outcomes: Outcome[]; next?: AdmitRequest }[] = [];
  readonly lags: Hanging[][] = [];
  /** The deliveries that it has rows for, in the order in which they got them. */
  readonly rows: string[] = [];

  async admit(request: AdmitRequest): Promise<AdmitAnswer> {
    this.admits.push(request);
    this.#mayFail("admit");
    return this.#answer(request);
  }

  async record(outcomes: Outcome[], next?: AdmitRequest): Promise<Recorded> {
    this.records.push(next === undefined ? { outcomes } : { outcomes, next });
    this.#mayFail("record");
    const stands = { slow: this.slow, shut: this.shut };
    if (next === undefined) return { ...stands, admissions: [], claims: [] };
    const claims = this.claimable
      .splice(0, next.room)
      .map((delivery): Claim => ({ delivery, grant: grant(delivery.id) }));
    const room = next.room - claims.length;
    const answer = this.#answer({ ...next, room, ...(claims.length > 0 ? { returns: true } : {}) });
    return { ...stands, ...answer, claims, ...(claims.length > 0 ? { settings: this.settings } : {}) };
  }

  async lag(attempts: Hanging[]): Promise<void> {
    this.lags.push(attempts);
    this.#mayFail("lag");
    this.rows.push(...attempts.map(({ delivery }) => delivery.id));
  }

  #answer({ deliveries, room, returns, lane }: AdmitRequest): AdmitAnswer {
    const isShut = this.#isShut(lane);
    const most = room > 0 && !isShut ? Math.max(room, this.atOnce) : 0;
    const isUndecided = this.undecided > 0 && this.undecided-- > 0;
    let sent = 0;
    const admissions = deliveries.map(({ id }) => {
      if (isUndecided) return { do: "later" as const, id };
      if (sent < most) {
        sent++;
        return { do: "send" as const, ...grant(id) };
      }
      if (!isShut && (returns || sent > 0)) return { do: "later" as const, id };
      this.rows.push(id);
      return { do: "wait" as const, id };
    });
    if (sent === 0) return { admissions };
    return { admissions, settings: this.settings, ...(this.pace === undefined ? {} : { pace: this.pace }) };
  }

  #isShut(lane: Lane): boolean {
    return this.shut || (this.slow && lane === "normal");
  }

  #mayFail(call: keyof Room["fails"]): void {
    if (this.fails[call] === 0) return;
    this.fails[call]--;
    throw new Error(`${call} is out of reach`);
  }

  /** The deliveries whose outcomes it was told, in their order. */
  get told(): string[] {
    return this.records.flatMap(({ outcomes }) => outcomes.map(({ delivery }) => delivery.id));
  }
}

function grant(id: string): Grant {
  return {
    id,
    attemptId: `att_${id}`,
    number: 1,
    trigger: "scheduled",
    leasedUntil: Date.now() + LEASE,
    format: null,
  };
}

interface Send extends Granted {
  end(outcome: Outcome | null): void;
}

/** One invocation over rooms that are made up, whose sends take until they are told to end. */
export class Played {
  readonly rooms = new Map<string, Room>();
  /** The deliveries of all sends that have begun, in their order. */
  readonly begun: string[] = [];
  readonly underWay = new Map<string, Send>();
  /** What each delivery said that was sent. */
  readonly texts = new Map<string, Text>();
  /** The most that were under way at once. */
  most = 0;
  /** What each share's messages were told. */
  readonly settled = new Map<string, boolean>();
  /** How many events each call of a log asked for. */
  readonly reads: number[] = [];
  logFails = false;
  /** When a log answers. */
  logAnswers: Promise<void> = Promise.resolve();
  readonly #invocation: Invocation;

  constructor({ lane = "normal", outlasts = true }: { lane?: Lane; outlasts?: boolean } = {}) {
    const log = {
      read: async (ulids: string[]) => {
        this.reads.push(ulids.length);
        await this.logAnswers;
        if (this.logFails) throw new Error("the log is out of reach");
        return ulids.map((ulid) => ({ type: "e", timestamp: T0, payloadId: "evt_x", data: JSON.stringify(ulid) }));
      },
    };
    const env = {
      ENDPOINT: { getByName: (name: string) => this.room(name.slice("t/".length)) },
      EVENT_LOG: { getByName: () => log },
    } as unknown as Env;
    this.#invocation = new Invocation(env, lane, outlasts, this.#attempt);
  }

  room(endpoint = "ep"): Room {
    const room = this.rooms.get(endpoint) ?? new Room();
    this.rooms.set(endpoint, room);
    return room;
  }

  /** Begins to deliver a share. */
  run(deliveries: readonly Delivery[], endpoint = "ep"): EndpointRun {
    const share: Share = {
      tenant: "t",
      endpoint,
      version: 1,
      items: [...deliveries],
      settled: (done) => {
        if (this.settled.has(endpoint)) throw new Error(`${endpoint} is settled twice`);
        this.settled.set(endpoint, done);
      },
    };
    const run = new EndpointRun(this.#invocation, share);
    this.#invocation.lanes.add(run);
    void run.begin();
    return run;
  }

  readonly #attempt: Invocation["attempt"] = async (_, granted, textOf, { begun, ended }) => {
    const { id } = granted.delivery;
    this.begun.push(id);
    try {
      const text = await textOf();
      this.texts.set(id, text);
      begun();
      const ending = new Promise<Outcome | null>((end) => this.underWay.set(id, { ...granted, end }));
      this.most = Math.max(this.most, this.underWay.size);
      const outcome = await ending;
      ended();
      return outcome;
    } catch {
      return null;
    } finally {
      this.underWay.delete(id);
    }
  };

  /** A send ends: well, or with an error, or because something of ours was out of reach. */
  async end(id: string | undefined, error: DeliveryError | "ours" | null = null): Promise<void> {
    const send = this.underWay.get(id ?? "");
    if (send === undefined) throw new Error(`${id} is not under way`);
    send.end(error === "ours" ? null : outcomeOf(send, error));
    await rest();
  }

  /** Sends end well, the oldest first, until none is under way. */
  async endAll(): Promise<void> {
    for (;;) {
      await rest();
      const [id] = this.underWay.keys();
      if (id === undefined) return;
      await this.end(id);
    }
  }
}

function outcomeOf({ delivery, grant }: Granted, error: DeliveryError | null): Outcome {
  const attempt = reportOf({
    id: grant.attemptId,
    number: grant.number,
    at: Date.now(),
    durationMs: 200,
    statusCode: error === null ? 200 : 500,
    error,
    trigger: grant.trigger,
    format: "envelope",
    request: { method: "POST", url: "https://receiver.example/", headers: {} },
    response: null,
  });
  return { kind: "attempted", delivery, attempt, retryAfter: null };
}

/** Everything that follows without a timer. */
export async function rest(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}
