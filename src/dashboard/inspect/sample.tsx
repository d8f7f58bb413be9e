import type { FC } from "hono/jsx";
import { sampleOf } from "../../config/catalogs/event-types";
import { serviceOf } from "../../config/databases";
import type { Env } from "../../contracts/env";
import type { Format } from "../../contracts/wire";
import { elementTexts, memberTexts } from "../../lib/json/json";
import { type KeyDifferences, keyDifferences } from "./differences";

/** How the data of an event differs in its keys from its type's sample; `null`: the type has none. */
export async function toSample(
  env: Env,
  event: string,
  data: string,
  profile: string = env.DEFAULT_PROFILE,
): Promise<KeyDifferences | null> {
  const sample = await sampleOf(serviceOf(env), profile, event);
  return sample === null ? null : keyDifferences(data, sample);
}

/** The event's data in a body of a format, as text; the whole body where the format is another one by now. */
export function dataIn(body: string, format: Format): string {
  if (format === "flat" || !body.trimStart().startsWith("{")) return body;
  const members = memberTexts(body);
  const data = members.get("data") ?? members.get("subjects");
  if (data === undefined) return body;
  const [only, ...more] = format === "subjects" ? elementTexts(data) : [];
  return only !== undefined && more.length === 0 ? only : data;
}

/** Which keys are missing and extra beside the type's sample; nothing where there is none to compare with. */
export const SampleDifferences: FC<{ differences: KeyDifferences | null }> = ({ differences }) => {
  if (differences === null) return null;
  const { missing, extra } = differences;
  if (missing.length + extra.length === 0) return <p class="hint">It has the keys of its type's sample.</p>;
  return (
    <p class="hint">
      Beside its type's sample{" "}
      {[["lacks", missing] as const, ["has besides", extra] as const].map(([how, keys], i) =>
        keys.length === 0 ? null : (
          <>
            {i === 1 && missing.length > 0 ? "; it " : "it "}
            {how}{" "}
            {keys.map((key) => (
              <>
                <code>{key}</code>{" "}
              </>
            ))}
          </>
        ),
      )}
    </p>
  );
};
