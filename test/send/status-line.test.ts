import { describe, it } from "vitest";
import { call, delivery, fresh, misbehavingUrl, newEndpoint, newTenant, post, until } from "../lib/api";
import { ENDINGS, OUTCOMES } from "./status-lines";

const CASES = OUTCOMES.flatMap(([status, error]) => ENDINGS.map((ending) => ({ status, error, ending })));

/** What became of a delivery that was answered so. */
async function answered(answer: string) {
  const tenant = await newTenant();
  const url = await misbehavingUrl(answer, fresh("m"));
  const { id } = await newEndpoint(tenant, url, { retry: [10] });
  const [ref] = (await post(tenant)).deliveries;
  const path = `/v1/tenants/${tenant}/endpoints/${id}`;
  const done = await until("its outcome", async () => {
    const { body } = await call("GET", `${path}/deliveries/${ref.id}`);
    return body.attempts === 1 && body;
  });
  return { done, ref, tenant, path, attempt: done.attemptLog[0] };
}

describe.concurrent("once the status line has come it decides, however the body ends", () => {
  it.for(CASES)(
    "$status with a body that is $ending",
    async ({ status, error, ending: [ending, body] }, { expect }) => {
      const { done, path, attempt } = await answered(`${status}-${ending}`);
      expect(done).toMatchObject({ lastStatusCode: status, lastError: error });
      expect(attempt).toMatchObject({ statusCode: status, error, response: { body: expect.stringMatching(body) } });
      if (error === null) expect(done).toMatchObject({ status: "succeeded", nextAttemptAt: null });
      else if (error === "gone") {
        expect(done.status).toBe("held");
        await until("D1's copy", async () => (await call("GET", path)).body.disabledReason === "gone");
      } else {
        const wait = Date.parse(done.nextAttemptAt) - Date.parse(attempt.at) - attempt.durationMs;
        const asked = status === 429 || status === 503;
        expect([done.status, wait >= 120_000]).toEqual(["retrying", asked]);
      }
      const whole = ending === "exactly-kept" || ending === "exactly-kept-chunk";
      expect(attempt.response.truncated).toBe(!whole);
      expect(attempt.response.broken).toBe(ending.startsWith("exactly") ? undefined : true);
    },
  );

  it("is sent again for nothing of it: one request is all that a 2xx ever gets", async ({ expect }) => {
    const { tenant, ref } = await answered("202-endless");
    const done = await delivery(tenant, ref, "succeeded");
    expect(done.attemptLog).toHaveLength(1);
  });
});
