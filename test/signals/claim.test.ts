import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { Sql } from "../../src/lib/sql";
import { DAY } from "../../src/lib/time";
import { Claim } from "../../src/signals/claim";
import { fresh } from "../api";
import { T0 } from "./recollections";

/** Runs `use` with a claim on the real storage of an object of its own, driven by the test's clock. */
function withClaim(use: (claim: Claim, open: () => Claim, sql: Sql) => void): Promise<void> {
  const stub = env.ENTITY.getByName(`t/0/${fresh("key:")}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, state) => {
    const sql = new Sql(state.storage.sql);
    const open = () => new Claim(sql);
    use(open(), open, sql);
  });
}

describe("a claim", () => {
  it("is one row, and the answer another", async ({ expect }) => {
    await withClaim((claim, _, sql) => {
      const before = sql.rowsWritten;
      claim.claim("f", T0);
      expect(sql.rowsWritten - before).toBe(1);
      claim.answer(T0, "[]");
      expect(sql.rowsWritten - before).toBe(2);
      claim.claim("f", T0);
      claim.claim("g", T0);
      expect(sql.rowsWritten - before).toBe(2);
    });
  });

  it("holds for 24 hours, open until it is answered", async ({ expect }) => {
    await withClaim((claim, open) => {
      expect(claim.claim("f", T0)).toEqual({ kind: "new", at: T0 });
      expect(open().claim("f", T0 + 5)).toEqual({ kind: "open", at: T0 });
      expect(open().claim("g", T0 + 5)).toEqual({ kind: "conflict" });
      claim.answer(T0, "[1]");
      claim.answer(T0, "[2]");
      expect(open().claim("f", T0 + DAY - 1)).toEqual({ kind: "answered", answer: "[1]" });
      expect(open().claim("g", T0 + DAY - 1)).toEqual({ kind: "conflict" });
      expect(claim.until).toBe(T0 + DAY);
      expect(open().claim("g", T0 + DAY)).toEqual({ kind: "new", at: T0 + DAY });
      // The answer of a request from before comes late.
      claim.answer(T0, "[3]");
      expect(open().claim("g", T0 + DAY)).toEqual({ kind: "open", at: T0 + DAY });
    });
  });

  it("keeps an answer of any text and size", async ({ expect }) => {
    await withClaim((claim, open) => {
      const answer = JSON.stringify(["\u{1f4ef}é\u2028".repeat(400_000), '\\"']);
      claim.claim("f", T0);
      claim.answer(T0, answer);
      const kept = open().claim("f", T0);
      expect(kept.kind === "answered" && JSON.stringify(JSON.parse(kept.answer)) === answer).toBe(true);
    });
  });
});
