/** A thin hold on a Durable Object's SQLite: typed rows, and counts of the rows read and written, which are what is billed. */
export class Sql {
  readonly #storage: SqlStorage;
  /** Rows written through this hold, by the storage's own count. */
  rowsWritten = 0;
  /** Rows read, likewise. */
  rowsRead = 0;

  constructor(storage: SqlStorage) {
    this.#storage = storage;
  }

  /** Whether nothing has ever been written, or everything is erased. */
  get isEmpty(): boolean {
    return this.first("SELECT 1 FROM sqlite_master WHERE name = 'migrations'") === null;
  }

  /** How large the object's database is, in bytes. */
  get bytes(): number {
    return this.#storage.databaseSize;
  }

  /** Runs a statement and answers its rows. At most 100 parameters. */
  all<Row extends object>(statement: string, ...parameters: SqlStorageValue[]): Row[] {
    const cursor = this.#storage.exec(statement, ...parameters);
    const rows = cursor.toArray() as unknown as Row[];
    this.rowsWritten += cursor.rowsWritten;
    this.rowsRead += cursor.rowsRead;
    return rows;
  }

  /** The rows of a query one after the other: only those that are taken are read. */
  *each<Row extends object>(statement: string, ...parameters: SqlStorageValue[]): Generator<Row, undefined> {
    const cursor = this.#storage.exec(statement, ...parameters);
    try {
      for (const row of cursor) yield row as unknown as Row;
    } finally {
      this.rowsRead += cursor.rowsRead;
    }
  }

  /** Like {@link all}, and answers the first row or `null`. */
  first<Row extends object>(statement: string, ...parameters: SqlStorageValue[]): Row | null {
    return this.all<Row>(statement, ...parameters)[0] ?? null;
  }

  /** Brings the tables up to date: runs the steps that have not run yet, each once. */
  migrate(steps: readonly string[]): void {
    this.all("CREATE TABLE IF NOT EXISTS migrations (step INTEGER PRIMARY KEY)");
    const done = this.first<{ n: number }>("SELECT count(*) AS n FROM migrations")?.n ?? 0;
    for (let step = done; step < steps.length; step++) {
      this.#storage.exec(steps[step] as string);
      this.all("INSERT INTO migrations (step) VALUES (?)", step);
    }
  }
}
