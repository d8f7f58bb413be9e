import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/**
 * An object's storage on Node's own SQLite: as much of it as `Sql` uses. Without the runtime around it a history takes
 * milliseconds, so that many are tried.
 */
export function memoryStorage(): SqlStorage {
  const database = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  const exec = (statement: string, ...parameters: SQLInputValue[]) => {
    // Only the steps of a migration are several statements, and those have no parameters and no rows.
    if (parameters.length === 0 && !/^\s*(SELECT|UPDATE|DELETE|INSERT|WITH)\b/i.test(statement)) {
      database.exec(statement);
      return cursorOf([]);
    }
    const known = prepared.get(statement) ?? database.prepare(statement);
    prepared.set(statement, known);
    return cursorOf(known.all(...parameters));
  };
  return { exec } as unknown as SqlStorage;
}

/** Rows as a cursor gives them. What they cost is not counted here. */
function cursorOf(rows: object[]) {
  return { toArray: () => rows, [Symbol.iterator]: () => rows[Symbol.iterator](), rowsRead: 0, rowsWritten: 0 };
}
