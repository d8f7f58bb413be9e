import { env } from "cloudflare:workers";
import { vi } from "vitest";

/** A statement as it was prepared, with what was bound to it. */
export interface Asked {
  query: string;
  values: unknown[];
}

/** Everything that is asked of D1 from now on, also by objects and consumers, until mocks are restored. */
export function asked(): Asked[] {
  const all: Asked[] = [];
  const d1 = Object.getPrototypeOf(env.DB) as D1Database;
  const prepare = d1.prepare;
  vi.spyOn(d1, "prepare").mockImplementation(function (this: D1Database, query: string) {
    const statement = prepare.call(this, query);
    const own: Asked = { query, values: [] };
    all.push(own);
    const bind = statement.bind.bind(statement);
    statement.bind = (...values: unknown[]) => {
      own.values = values;
      return bind(...values);
    };
    return statement;
  });
  return all;
}
