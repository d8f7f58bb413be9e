import type { FC } from "hono/jsx";
import { Body, Curl } from "../inspect/body";
import type { Preview } from "../preview";

/** The headers of a request or an answer; their values are somebody else's text. */
export const Headers: FC<{ headers: Record<string, string> }> = ({ headers }) => (
  <dl class="headers">
    {Object.entries(headers).map(([name, value]) => (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    ))}
  </dl>
);

/** A value of a filter or of what it looked at, as JSON. */
export function jsonOf(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

const FilterVerdict: FC<Pick<Preview, "filter">> = ({ filter }) => {
  if (filter === null) return null;
  if ("errors" in filter) {
    return (
      <>
        {filter.errors.map(({ path, message }) => (
          <p class="verdict warn">
            ✗ The filter cannot be used: {path === "" ? "it" : <code>{path}</code>} {message}.
          </p>
        ))}
      </>
    );
  }
  const { passes, clause } = filter;
  if (passes) return <p class="verdict good">✓ The sample passes the filter.</p>;
  if (clause?.reason !== undefined) {
    return <p class="verdict warn">✗ The sample does not pass the filter: {clause.reason}.</p>;
  }
  if (clause === null) return <p class="verdict warn">✗ The sample does not pass the filter.</p>;
  return (
    <p class="verdict warn">
      ✗ The sample does not pass the filter:{" "}
      <code>{`${clause.path} ${clause.operator} ${jsonOf(clause.expected)}`}</code> does not hold, it has{" "}
      <code>{jsonOf(clause.actual)}</code>.
    </p>
  );
};

/** What an endpoint would be sent of a sample, and whether it would. */
export const PreviewPane: FC<{ preview: Preview | null }> = ({ preview }) => {
  if (preview === null) return <p class="muted">Choose a sample to see the request that your receiver would get.</p>;
  const { event, subscribed, filter, request, problem } = preview;
  return (
    <>
      {problem === null ? null : <p class="wrong">{problem}</p>}
      {subscribed === null ? null : subscribed ? (
        <p class="verdict good">
          ✓ It wants <code>{event}</code>.
        </p>
      ) : (
        <p class="verdict warn">
          ✗ <code>{event}</code> is not among its events.
        </p>
      )}
      <FilterVerdict filter={filter} />
      {request === null ? null : (
        <>
          <h3>{request.method} with these headers</h3>
          <Headers headers={request.headers} />
          {request.body === null ? (
            <p class="muted">GET has no body.</p>
          ) : (
            <>
              <h3>and this body</h3>
              <Body text={request.body} label="Body of the sample's request" />
            </>
          )}
          <Curl request={request} label="The sample's request as a command" />
          <p class="hint">Rendered and signed as a delivery is, under a secret made for this preview only.</p>
        </>
      )}
    </>
  );
};
