/**
 * What logs have alike: a filter that stays in the address, and a list that replaces itself while it shows the newest.
 * @module
 */
import type { Child, FC } from "hono/jsx";
import { MOST_PROPOSED } from "../api-json";
import type { Refusal } from "../errors";
import type { SiteContext } from "../site";
import { Message } from "./form";
import { Card, Notice } from "./parts";
import { Zone } from "./time";

/** What is asked for, as the address has it. */
export type LogQuery<Name extends string> = Partial<Record<Name | "cursor", string>>;

/** The query of a log with filters of these names; its times as the API takes them. */
export function logQuery<Name extends string>(c: SiteContext, names: readonly Name[]): LogQuery<Name> {
  const said = [...names, "cursor" as const].map((name) => [name, c.req.query(name)?.trim()] as const);
  const query = Object.fromEntries(said.filter(([, value]) => value !== undefined && value !== ""));
  for (const name of ["since", "until"]) if (query[name] !== undefined) query[name] = apiTime(query[name]);
  return query as LogQuery<Name>;
}

/** Whether a query leaves anything out. */
export function isFiltered({ cursor: _, ...filters }: LogQuery<string>): boolean {
  return Object.values(filters).some((value) => (value ?? "") !== "");
}

/** Whether a log looks for news by itself: its newest page, unless what is looked for lies in many days' logs. */
export function isLive({ cursor, search, until }: LogQuery<"search" | "until">): boolean {
  return cursor === undefined && search === undefined && until === undefined;
}

/** A time as the browser's field for it has it: without a zone, in UTC. */
export function localTime(time: string | undefined): string {
  return time?.replace(/(\.\d+)?Z$/, "") ?? "";
}

/** A time out of such a field as the API takes it. What is no time is left for the API to refuse. */
export function apiTime(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const whole = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? `${text}:00` : text;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/.test(whole) ? `${whole}Z` : whole;
}

/** The filter of a log. `first` and `more`: fields of its own, before the event type and after it. */
export const LogFilter: FC<{
  action: string;
  what: string;
  query: LogQuery<"event" | "since" | "until">;
  types: readonly string[];
  first?: Child;
  more?: Child;
}> = ({ action, what, query, types, first, more }) => (
  <form method="get" action={action} class="filters" aria-label={`Filter ${what}`}>
    {first}
    <label>
      Event type {types.length < 1_000 ? null : <small>of more than are proposed</small>}
      <input name="event" value={query.event ?? ""} list="event-types" autocomplete="off" placeholder="any" />
    </label>
    {more}
    <label>
      Since <Zone />
      <input name="since" type="datetime-local" step="1" value={localTime(query.since)} />
    </label>
    <label>
      Until <Zone />
      <input name="until" type="datetime-local" step="1" value={localTime(query.until)} />
    </label>
    <button type="submit">Filter</button>
    {isFiltered(query) ? <a href={action}>Clear</a> : null}
    {types.length < MOST_PROPOSED ? null : (
      <small class="muted">The first {types.length} event types are proposed; any other can be typed.</small>
    )}
    <datalist id="event-types">
      {types.map((type) => (
        <option value={type} />
      ))}
    </datalist>
  </form>
);

/** A log in its box, below its filter; `live`: whether it shows the newest. */
export const LogCard: FC<{ filter: Child; live: boolean; children?: Child }> = ({ filter, live, children }) => (
  <Card>
    {filter}
    {live ? (
      <p class="live-note" data-live-note hidden>
        Live
      </p>
    ) : null}
    {children}
  </Card>
);

/** A part of a page that replaces itself with what stands there now, while it is looked at. `from`: where it is had; `null`: it stays. */
export const Live: FC<{ id: string; class?: string; from: string | null; children?: Child }> = ({
  id,
  class: name = "",
  from,
  children,
}) => (
  <div
    id={id}
    class={name}
    {...(from === null
      ? {}
      : { "hx-get": from, "hx-trigger": "posthorn:tick from:body", "hx-swap": "outerHTML", "data-live": "" })}
  >
    {children}
  </div>
);

/** A log as such a part. */
export const Log: FC<{ live: string | null; children?: Child }> = ({ live, children }) => (
  <Live id="log" class="log" from={live}>
    {children}
  </Live>
);

/** Why a log's filter was refused: in the log's place, with the form above as it was filled in. */
export const FilterRefused: FC<{ refusal: Refusal }> = ({ refusal: { detail, errors } }) => (
  <div id="log" class="log">
    <Notice tone="bad">
      <p>
        <strong>The filter was refused.</strong> {errors.length === 0 ? detail : null}
      </p>
      {errors.length === 0 ? null : (
        <ul>
          {errors.map((error) => (
            <Message error={error} />
          ))}
        </ul>
      )}
    </Notice>
  </div>
);
