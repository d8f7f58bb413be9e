import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { GroupCommit } from "../../src/lib/group-commit";
import { fresh } from "./api";

/** Runs `use` on the storage of an object of its own, with a table of numbers. */
function withStorage<T>(use: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  const stub = env.EVENT_LOG.getByName(`${fresh("t")}/2026-01-01`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, async (_, { storage }) => {
    storage.sql.exec("CREATE TABLE numbers (n INTEGER PRIMARY KEY)");
    return use(storage);
  });
}

const numbers = ({ sql }: DurableObjectStorage) =>
  [...sql.exec<{ n: number }>("SELECT n FROM numbers")].map(({ n }) => n);
const insert = ({ sql }: DurableObjectStorage, n: number) => {
  sql.exec("INSERT INTO numbers VALUES (?)", n);
  return n;
};

describe("changes that come together", () => {
  it("are one transaction, in their order, each with its own answer", ({ expect }) =>
    withStorage(async (storage) => {
      const transaction = vi.spyOn(storage, "transactionSync");
      const written = vi.fn();
      const together = new GroupCommit(storage, written, () => {});
      const answers = await Promise.all([3, 1, 2].map((n) => together.change(() => insert(storage, n) * 10)));
      expect(answers).toEqual([30, 10, 20]);
      expect([transaction.mock.calls.length, written.mock.calls.length]).toEqual([1, 1]);
      await together.change(() => insert(storage, 4));
      expect(transaction).toHaveBeenCalledTimes(2);
      expect(numbers(storage)).toEqual([1, 2, 3, 4]);
    }));

  it("do not fail for one that does", ({ expect }) =>
    withStorage(async (storage) => {
      const together = new GroupCommit(
        storage,
        () => {},
        () => {},
      );
      const [first, again, next] = await Promise.allSettled(
        [1, 1, 2].map((n) => together.change(() => insert(storage, n))),
      );
      expect([first?.status, again?.status, next?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(numbers(storage)).toEqual([1, 2]);
    }));

  it("fail all of them, and nobody is told otherwise, when they cannot be written", ({ expect }) =>
    withStorage(async (storage) => {
      const failed = vi.fn();
      const together = new GroupCommit(
        storage,
        () => {
          throw new Error("the alarm cannot be set");
        },
        failed,
      );
      const ends = await Promise.allSettled([1, 2].map((n) => together.change(() => insert(storage, n))));
      expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(failed).toHaveBeenCalledTimes(1);
      expect(numbers(storage)).toEqual([]);
    }));
});
