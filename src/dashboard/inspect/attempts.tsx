import type { FC } from "hono/jsx";
import { failureOf, toldOf } from "../../contracts/reasons";
import { type Attempt, Outcome } from "../components/pills";
import { Headers } from "../components/preview";
import { At, span } from "../components/time";
import { withQuery } from "../site";
import { Body, Curl } from "./body";
import { type Difference, differencesOf } from "./differences";

const TRIGGERS = { scheduled: "", manual: "by hand", test: "test" } as const;

/**
 * What was sent and what came back; both are somebody else's text. `whole`: with the request's body, and as a command. Of
 * another attempt `here` leads to it: a delivery's attempts mostly have the same body, which may be large.
 */
const Exchange: FC<{ attempt: Attempt; whole: boolean; here: string | null }> = ({ attempt, whole, here }) => {
  const { request, response, number } = attempt;
  return (
    <div class="columns wide">
      <section aria-label={`Request of attempt ${number}`}>
        <h3>Request</h3>
        <p class="request-line">
          <code>
            {request.method} {request.url}
          </code>
        </p>
        <Headers headers={request.headers} />
        {request.body === null ? (
          <p class="hint">No body: its method has none, or the content is erased.</p>
        ) : whole ? (
          <Body text={request.body} label={`Body of the request of attempt ${number}`} />
        ) : (
          <p>
            <a href={`${withQuery(here ?? "", { attempt: number })}#attempt-${number}`}>Its body, and as curl</a>
          </p>
        )}
        {whole && (request.body !== null || request.method === "GET") ? (
          <Curl request={request} label={`Attempt ${number} as a command`} />
        ) : null}
      </section>
      <section aria-label={`Answer to attempt ${number}`}>
        <h3>Answer</h3>
        {response === null ? (
          <p class="hint">There was none, or it is not kept any more.</p>
        ) : (
          <>
            <Headers headers={response.headers} />
            {response.body === "" && !response.broken ? (
              <p class="hint">An empty body.</p>
            ) : (
              <Body text={response.body} label={`Body of the answer to attempt ${number}`} />
            )}
            {response.broken ? (
              <p class="hint">The body broke off, or did not end in time. The outcome goes by the status.</p>
            ) : response.truncated ? (
              <p class="hint">Cut: no more of it is kept.</p>
            ) : null}
          </>
        )}
      </section>
    </div>
  );
};

/** What went wrong in an attempt, in a few words; nothing where it succeeded. */
const Why: FC<{ attempt: Attempt }> = ({ attempt }) => {
  const failure = failureOf(attempt);
  return failure === null ? null : <small class="muted">{toldOf(failure).short}</small>;
};

const Differences: FC<{ rows: readonly Difference[]; than: number }> = ({ rows, than }) =>
  rows.length === 0 ? null : (
    <details>
      <summary>{`${rows.length === 1 ? "1 difference" : `${rows.length} differences`} to attempt ${than}`}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">{`Attempt ${than}`}</th>
            <th scope="col">This one</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ what, before, now }) => (
            <tr>
              <th scope="row">{what}</th>
              <td>
                <code>{before ?? "—"}</code>
              </td>
              <td>
                <code>{now ?? "—"}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );

/**
 * A delivery's attempts in their order, and the next one if there is to be one. `open`: the number of the one that is shown
 * whole; the last unless said. `here`: the page they stand on, where there may be several.
 */
export const Attempts: FC<{
  attempts: readonly Attempt[];
  nextAttemptAt: string | null;
  now: number;
  createdAt: string;
  open?: number | null;
  here?: string | null;
}> = ({ attempts, nextAttemptAt, now, createdAt, open = null, here = null }) => {
  const shown = attempts.find(({ number }) => number === open) ?? attempts.at(-1);
  return (
    <ol class="timeline">
      <li class="calm">
        <p class="attempt-head">
          <strong>Accepted</strong> <At at={createdAt} />
        </p>
      </li>
      {attempts.map((attempt, index) => {
        const before = attempts[index - 1];
        return (
          <li class={attempt.error === null ? "good" : "bad"} id={`attempt-${attempt.number}`}>
            <p class="attempt-head">
              <strong>Attempt {attempt.number}</strong>
              <Outcome code={attempt.statusCode} error={attempt.error} />
              <Why attempt={attempt} />
              <span class="muted">{Math.round(attempt.durationMs)} ms</span>
              <At at={attempt.at} />
              <span class="muted">{since(before?.at ?? createdAt, attempt.at)}</span>
              {TRIGGERS[attempt.trigger] === "" ? null : <span class="tag">{TRIGGERS[attempt.trigger]}</span>}
            </p>
            {before === undefined ? null : <Differences rows={differencesOf(before, attempt)} than={before.number} />}
            <details open={attempt === shown}>
              <summary>Request and answer</summary>
              <Exchange attempt={attempt} whole={attempt === shown} here={here} />
            </details>
          </li>
        );
      })}
      {nextAttemptAt === null ? null : (
        <li class="calm">
          <p class="attempt-head">
            <strong>Next attempt</strong> <At at={nextAttemptAt} />
            <span class="muted">
              <time datetime={nextAttemptAt} data-ago>
                in {span(Math.max(0, Date.parse(nextAttemptAt) - now))}
              </time>
            </span>
          </p>
        </li>
      )}
    </ol>
  );
};

function since(before: string, at: string): string {
  const ms = Date.parse(at) - Date.parse(before);
  return ms < 1_000 ? `+${Math.max(0, ms)} ms` : `+${span(ms)}`;
}
