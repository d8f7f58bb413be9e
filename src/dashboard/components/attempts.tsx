import type { FC } from "hono/jsx";
import { prettyJson } from "../json-text";
import { Block } from "./parts";
import { type Attempt, Outcome } from "./pills";
import { Headers } from "./preview";
import { At, span } from "./time";

const TRIGGERS = { scheduled: "", manual: "by hand", test: "test" } as const;

/** What was sent and what came back; both are somebody else's text. */
const Exchange: FC<{ attempt: Attempt }> = ({ attempt }) => {
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
        ) : (
          <Block text={prettyJson(request.body)} label={`Body of the request of attempt ${number}`} />
        )}
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
              <Block text={prettyJson(response.body)} label={`Body of the answer to attempt ${number}`} />
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

/** A delivery's attempts in their order, and the next one if there is to be one. */
export const Attempts: FC<{
  attempts: readonly Attempt[];
  nextAttemptAt: string | null;
  now: number;
  createdAt: string;
}> = ({ attempts, nextAttemptAt, now, createdAt }) => (
  <ol class="timeline">
    <li class="calm">
      <p class="attempt-head">
        <strong>Accepted</strong> <At at={createdAt} />
      </p>
    </li>
    {attempts.map((attempt, index) => {
      const before = index === 0 ? createdAt : (attempts[index - 1]?.at ?? createdAt);
      return (
        <li class={attempt.error === null ? "good" : "bad"}>
          <p class="attempt-head">
            <strong>Attempt {attempt.number}</strong>
            <Outcome code={attempt.statusCode} error={attempt.error} long />
            <span class="muted">{Math.round(attempt.durationMs)} ms</span>
            <At at={attempt.at} />
            <span class="muted">{since(before, attempt.at)}</span>
            {TRIGGERS[attempt.trigger] === "" ? null : <span class="tag">{TRIGGERS[attempt.trigger]}</span>}
          </p>
          <details open={index === attempts.length - 1}>
            <summary>Request and answer</summary>
            <Exchange attempt={attempt} />
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

function since(before: string, at: string): string {
  const ms = Date.parse(at) - Date.parse(before);
  return ms < 1_000 ? `+${Math.max(0, ms)} ms` : `+${span(ms)}`;
}
