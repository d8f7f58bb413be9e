import type { Child, FC } from "hono/jsx";
import type { FailingClause } from "../../lib/filter/visits";
import { Card } from "../components/parts";
import { jsonOf } from "../components/preview";
import { At } from "../components/time";
import type { Held, Judged } from "./held";
import { wordsOf } from "./rows";

/** A clause that did not hold, in words. */
function whyNot({ path, operator, expected, actual, reason }: FailingClause): string {
  if (reason !== undefined) return reason;
  if (path === "")
    return operator === "$or" ? "none of a group's conditions holds" : "a group's conditions do not hold";
  const there = actual === undefined ? "nothing is there" : `it has ${jsonOf(actual)}`;
  return `${path} ${wordsOf(operator, expected)}${operator === "$exists" ? "" : ` ${jsonOf(expected)}`}: ${there}`;
}

const Rows: FC<{ title: string; rows: readonly Judged[]; events: string }> = ({ title, rows, events }) =>
  rows.length === 0 ? null : (
    <details>
      <summary>{title}</summary>
      <ul class="plain judged">
        {rows.map(({ id, event, at, contact, clause, why = clause === null ? null : whyNot(clause) }) => (
          <li>
            <a href={`${events}/${id}`}>
              {contact === undefined ? <code>{event}</code> : contact} <At at={at} />
            </a>
            {why === null ? null : <small class="muted">{why}</small>}
          </li>
        ))}
      </ul>
    </details>
  );

/** How many of the latest events a filter would have let through, and which. `events`: the path of the events' pages. */
export const HeldPane: FC<{ held: Held | null; events: string; verb?: string }> = ({
  held,
  events,
  verb = "would have matched",
}) => {
  if (held === null) return <p class="muted">Count to see which of the latest events it would have matched.</p>;
  const { what, judged, errors } = held;
  if (errors.length > 0) return <p class="muted">Not counted yet: something in the form is missing or not right.</p>;
  if (judged.length === 0) {
    return (
      <p class="muted">{what === "events" ? "There are no events yet." : "No contacts came with the latest events."}</p>
    );
  }
  const matched = judged.filter(({ matches }) => matches);
  const missed = judged.filter(({ matches }) => !matches);
  return (
    <>
      <p class={matched.length > 0 ? "verdict good" : "verdict warn"}>
        <strong>{matched.length}</strong> of the last {judged.length} {what} {verb}.
      </p>
      <Rows title="Which matched" rows={matched} {...{ events }} />
      <Rows title="Which did not, and why" rows={missed} {...{ events }} />
    </>
  );
};

/** What a form's filter would have matched, with the button that counts. `at`: where the form is sent. */
export const HeldCard: FC<{
  title?: string;
  action: string;
  events: string;
  held: Held | null;
  /** Whether it counts as soon as it is shown. */
  atOnce: boolean;
  verb?: string;
  children?: Child;
}> = ({ title = "Against the latest events", action, atOnce, held, children, ...pane }) => (
  <Card title={title}>
    <div id="held" class="waits" aria-live="polite">
      {children === undefined ? <HeldPane held={held} {...pane} /> : children}
    </div>
    <button
      type="submit"
      name="held.do"
      value="count"
      formnovalidate
      hx-post={action}
      hx-target="#held"
      hx-select="#held"
      hx-swap="outerHTML"
      hx-trigger={`click, change from:closest form delay:300ms${atOnce && held === null ? ", load" : ""}`}
    >
      Count
    </button>
  </Card>
);
