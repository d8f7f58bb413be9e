import type { Child } from "hono/jsx";
import type { ListOf } from "../api-json";
import type { Refusal } from "../errors";
import { type SiteContext, withQuery } from "../site";
import { Refused } from "./form";
import { Card, Pager } from "./parts";

/** A column: what stands at its head, and in the cell of a row. */
export interface Column<Row> {
  name: string;
  /** `number`: its head stands to the right, too. `wide-only`: only where there is room for it. */
  class?: "main-cell" | "whole" | "clip" | "number" | "wide-only" | undefined;
  /**
   * On a phone: what leads its first line, the state at that line's end, in small below with its column's name, or not at all;
   * absent: in small below.
   */
  phone?: "lead" | "state" | "named" | "away" | undefined;
  /** More about a cell, for whoever points at it. */
  about?: (row: Row) => string;
  cell: (row: Row) => Child;
}

interface RowsProps<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** What can be done with a row; absent: nothing can. */
  actions?: ((row: Row) => Child) | undefined;
}

/** The classes of columns' cells. Where no column says that it leads, the main one does, or the first. */
function classesOf<Row>(columns: readonly Column<Row>[]): string[] {
  const said = columns.findIndex(({ class: kind, phone }) => phone === "lead" || kind === "main-cell");
  return columns.map(({ class: kind, phone }, index) =>
    [kind, phone ?? (index === Math.max(0, said) ? "lead" : "")].filter(Boolean).join(" "),
  );
}

/** Things in rows. On a phone each has two lines: what it is and its state, and the rest in small. */
export function Rows<Row>({ rows, columns, actions }: RowsProps<Row>) {
  const classes = classesOf(columns);
  return (
    <table class="rows">
      <thead>
        <tr>
          {columns.map(({ name, class: kind }) => (
            <th scope="col" {...(kind === "number" || kind === "wide-only" ? { class: kind } : {})}>
              {name}
            </th>
          ))}
          {actions === undefined ? null : (
            <th scope="col">
              <span class="hidden-text">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {columns.map(({ name, about, cell }, index) => (
              <td data-name={name} class={classes[index]} {...(about === undefined ? {} : { title: about(row) })}>
                {cell(row)}
              </td>
            ))}
            {actions === undefined ? null : <td class="row-actions">{actions(row)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ListingProps<Row> extends Omit<RowsProps<Row>, "rows"> {
  c: SiteContext;
  list: ListOf<Row>;
  /** The path of the page, and what else its address says of the list. */
  here: string;
  query?: Record<string, string | undefined>;
  /** What its rows are: `keys`. */
  what: string;
  byName?: boolean;
  title?: string;
  /** What stands in for the rows where there are none. */
  empty: Child;
  children?: Child;
}

/** A page of a list, in a box, with the way to the next one. */
export function Listing<Row>({
  c,
  list,
  here,
  query = {},
  what,
  byName = false,
  title,
  empty,
  children,
  ...rows
}: ListingProps<Row>) {
  return (
    <Card title={title} class="listing">
      {children}
      {list.data.length === 0 ? empty : <Rows rows={list.data} {...rows} />}
      <Pager
        next={list.nextCursor === null ? null : withQuery(here, { ...query, cursor: list.nextCursor })}
        first={c.req.query("cursor") === undefined ? null : withQuery(here, query)}
        what={what}
        byName={byName}
      />
    </Card>
  );
}

/** The box of the form for a new one; nothing for whoever may not make any. */
export function NewCard(props: {
  may?: boolean;
  what: string;
  refusal: Refusal | null;
  said?: string;
  children?: Child;
}) {
  const { may = true, what, refusal, said = `The ${what} was not created.`, children } = props;
  if (!may) return null;
  return (
    <Card title={`New ${what}`} class="new-card">
      <Refused refusal={refusal} what={said} />
      {children}
    </Card>
  );
}
