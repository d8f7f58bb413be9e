import { LOG_FULL, LOG_UNWRITTEN, TENANT_GONE } from "../contracts/event-log";
import { GroupCommit } from "../lib/group-commit";
import { logError, rootCause } from "../lib/log";
import { Sql } from "../lib/sql";
import { storageTrouble } from "../lib/storage-trouble";
import type { Day } from "../lib/time";
import type { Journal } from "./journal/journal";

/** What a store needs of the object that it is in. */
interface Around {
  tenant: string;
  day: Day;
  /** Opens the journal, with its tables. */
  open(sql: Sql): Journal;
  /** Called at the end of changes that are written together, so that what it writes commits with them. */
  written(): void;
  /** Called for each transaction. */
  committed(): void;
  /** Called after a change has failed: what is remembered may be of rows that were rolled back. */
  failed(): void;
}

/** What a change throws that is to be undone and made anew, or elsewhere: no trouble of the storage. */
export class Undone extends Error {}

/**
 * The journal in its object's storage. It is there once something is written: whoever merely looks into a day without
 * events leaves no tables.
 */
export class Store {
  readonly #storage: DurableObjectStorage;
  readonly #around: Around;
  readonly #together: GroupCommit;
  #journal: Journal | null = null;

  constructor(storage: DurableObjectStorage, around: Around) {
    this.#storage = storage;
    this.#around = around;
    this.#together = new GroupCommit(
      storage,
      () => {
        around.written();
        around.committed();
      },
      () => this.#reload(),
    );
    if (!new Sql(storage.sql).isEmpty) this.open();
  }

  /** `null`: nothing is stored. */
  get journal(): Journal | null {
    return this.#journal;
  }

  /** The journal, with its tables. */
  open(): Journal {
    // All tables or none: half of them could never be opened again.
    this.#journal ??= this.#storage.transactionSync(() => this.#around.open(new Sql(this.#storage.sql)));
    return this.#journal;
  }

  /** Changes rows and alarm, all or nothing; throws {@link LOG_UNWRITTEN} when that cannot be written. */
  change<T>(change: (journal: Journal) => T): T {
    try {
      const result = this.#storage.transactionSync(() => change(this.open()));
      this.#around.committed();
      return result;
    } catch (error) {
      this.#reload();
      throw this.#unwritten(error);
    }
  }

  /** Like {@link change}, with one statement at most, and in one transaction with what comes at about the same time. */
  async changeTogether<T>(change: (journal: Journal) => T): Promise<T> {
    try {
      return await this.#together.change(() => change(this.open()));
    } catch (error) {
      throw this.#unwritten(error);
    }
  }

  /** Forgets everything. */
  async forget(): Promise<void> {
    await this.#storage.deleteAll();
    this.#journal = null;
  }

  #reload(): void {
    if (new Sql(this.#storage.sql).isEmpty) this.#journal = null;
    else this.#journal?.reload();
    this.#around.failed();
  }

  #unwritten(error: unknown): Error {
    if (error instanceof Undone) return error;
    if (error instanceof Error && (error.message === TENANT_GONE || error.message === LOG_FULL)) return error;
    logError("events.write.failed", error, { tenant: this.#around.tenant, day: this.#around.day });
    return new Error(storageTrouble(error) === null ? LOG_UNWRITTEN : `${LOG_UNWRITTEN}: ${rootCause(error)}`);
  }
}
