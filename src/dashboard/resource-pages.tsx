/**
 * The pages of what a tenant has many of: a list with a form for a new one, a page for each with the form to change it, and
 * its deletion. A description says what is a resource's own.
 * @module
 */
import { Hono } from "hono";
import type { Child, FC } from "hono/jsx";
import { callTenant, listTenantThings, type Saved } from "./api-json";
import { Act, Refused } from "./components/form";
import type { IconName } from "./components/icon";
import { PageHead } from "./components/layout";
import { type Column, Listing, NewCard } from "./components/listing";
import { Card, Empty } from "./components/parts";
import { type Refusal, refusedWith } from "./errors";
import { askedIn } from "./forms/filter-form";
import { keepWarnings, needs } from "./guard";
import { carriedOn, patchRead } from "./meanwhile";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "./site";
import { page, part, wantsPart } from "./write";

const PAGE_SIZE = 25;

/** What a form needs to be shown. */
export interface FormProps<Row, Values, Choices> {
  site: Site;
  /** The path that it is sent to. */
  action: string;
  values: Values;
  /** What it offers to choose from. */
  choices: Choices;
  refusal: Refusal | null;
  /** What its button says. */
  what: string;
  /** What it is rendered from; absent: there is none yet. */
  read?: Row;
}

/** What is a resource's own. */
export interface Described<Row, Values, Choices> {
  /** Its name in paths, and in what a visitor may. */
  path: "automations" | "segments" | "signals";
  /** One of them: `signal`. */
  one: string;
  title: string;
  about: string;
  empty: { icon: IconName; text: Child };
  columns: (c: SiteContext, choices: Choices) => readonly Column<Row>[];
  /** What is asked before a deletion. */
  asks: (row: Row) => string;
  /** What is said of a creation and of a change that were refused. */
  refused: { create: string; change: string };
  fresh: Values;
  valuesIn: (form: FormData) => Values;
  valuesOf: (row: Row) => Values;
  /** The values of a form whose button asked for something else than to be sent, as it is then shown. */
  asked?: (c: SiteContext, values: Values) => Promise<Values>;
  /** A form's values as the API takes them. Throws what `refused` makes. */
  bodyOf: (values: Values) => Record<string, unknown>;
  form: FC<FormProps<Row, Values, Choices>>;
  choices: (c: SiteContext) => Promise<Choices>;
  /** What stands at the head of the list for whoever may create. */
  head?: (c: SiteContext) => Child;
  /** What stands between the list and the form for whoever may create. */
  between?: (c: SiteContext) => Child;
  /** One for whoever may only read it; absent: it is not theirs to see. */
  reading?: (row: Row) => Child;
}

/** What a page shows of a form that was sent; `refused`: what is said of its refusal. */
interface Sent<Values> {
  values: Values;
  refusal: Refusal | null;
  refused?: string;
}

/** The pages of a resource, and what answers its list and the page of one when a form was sent. */
export function resourcePages<Row extends { id: string; name: string }, Values, Choices = null>(
  of: Described<Row, Values, Choices>,
) {
  const { path, one, title, form: Form } = of;
  const at = `/tenants/:tenant/${path}`;
  const mayOf = (c: SiteContext) => c.get("site").may[path];
  const idOf = (c: SiteContext) => c.req.param(one) ?? "";

  async function list(
    c: SiteContext,
    { values, refusal, refused }: Sent<Values> = { values: of.fresh, refusal: null },
  ) {
    const site = c.get("site");
    const here = tenantPath(c, path);
    const may = mayOf(c);
    const form = (choices: Choices) => <Form {...{ site, values, choices, refusal }} action={here} what="Create" />;
    if (wantsPart(c)) return part(c, form(await of.choices(c)));
    const [found, choices] = await Promise.all([listTenantThings<Row>(c, path, PAGE_SIZE), of.choices(c)]);
    const actions = (row: Row) => (
      <>
        <a class="button small" href={`${here}/${row.id}`} aria-label={`Edit ${row.name}`}>
          Edit
        </a>
        <Act
          visit={site}
          action={`${here}/${row.id}/delete`}
          class="small danger"
          label={`Delete ${row.name}`}
          asks={of.asks(row)}
        >
          Delete
        </Act>
      </>
    );
    return page(
      c,
      { title, current: title, refusal },
      <>
        <PageHead title={title} about={of.about}>
          {may.create ? of.head?.(c) : null}
        </PageHead>
        <Listing
          {...{ c, here }}
          list={found}
          what={path}
          columns={of.columns(c, choices)}
          actions={may.update ? actions : undefined}
          empty={
            <Empty icon={of.empty.icon} title={`No ${path} yet`}>
              {of.empty.text}
            </Empty>
          }
        />
        {may.create ? of.between?.(c) : null}
        <NewCard may={may.create} what={one} refusal={refusal} said={refused ?? of.refused.create}>
          {form(choices)}
        </NewCard>
      </>,
    );
  }

  async function edit(c: SiteContext, sent: Sent<Values> | null = null) {
    const site = c.get("site");
    const may = mayOf(c).update;
    if (of.reading === undefined) needs(may, `Your role reads, and does not change ${path}.`);
    const [row, choices] = await Promise.all([callTenant<Row>(c, "GET", [path, idOf(c)]), of.choices(c)]);
    const refusal = sent?.refusal ?? null;
    return page(
      c,
      { title: row.name, current: title, refusal },
      <>
        <PageHead title={row.name} up={{ href: tenantPath(c, path), name: title }} />
        <Card>
          {may ? (
            <>
              <Refused refusal={refusal} what={of.refused.change} />
              <Form
                {...{ site, choices, refusal }}
                action={tenantPath(c, path, row.id)}
                values={sent?.values ?? of.valuesOf(row)}
                what="Save"
                read={carriedOn(c, row, refusal)}
              />
            </>
          ) : (
            of.reading?.(row)
          )}
        </Card>
      </>,
    );
  }

  /** What became of the form that was sent. `send`: does with it what it is for, as the API takes it. */
  async function sent(
    c: SiteContext,
    send: (body: Record<string, unknown>) => Promise<unknown>,
  ): Promise<Sent<Values>> {
    const values = of.valuesIn(c.get("form"));
    return { values, refusal: await refusedWith(async () => send(of.bodyOf(values))) };
  }

  /** The form once more where a button asked for that; `null`: it was sent. */
  async function askedFor(c: SiteContext): Promise<Sent<Values> | null> {
    const form = c.get("form");
    if (askedIn(form) === null) return null;
    needs(mayOf(c).create, `Your role reads, and does not change ${path}.`);
    const values = of.valuesIn(form);
    return { values: (await of.asked?.(c, values)) ?? values, refusal: null };
  }

  const toList = (c: SiteContext, done: string) => c.redirect(withQuery(tenantPath(c, path), { done }), 303);

  const pages = new Hono<SiteEnv>()
    .get(at, (c) => list(c))
    .post(at, async (c) => {
      const asked = await askedFor(c);
      if (asked !== null) return list(c, asked);
      const what = await sent(c, async (body) =>
        keepWarnings(c, (await callTenant<Saved>(c, "POST", [path], body)).warnings),
      );
      return what.refusal === null ? toList(c, "created") : list(c, what);
    })
    .get(`${at}/:${one}`, (c) => edit(c))
    .post(`${at}/:${one}`, async (c) => {
      const asked = await askedFor(c);
      if (asked !== null) return edit(c, asked);
      const what = await sent(c, async (body) => keepWarnings(c, await patchRead(c, [path, idOf(c)], body)));
      return what.refusal === null ? toList(c, "saved") : edit(c, what);
    })
    .post(`${at}/:${one}/delete`, async (c) => {
      const refusal = await refusedWith(() => callTenant(c, "DELETE", [path, idOf(c)]));
      const refused = `The ${one} was not deleted.`;
      return refusal === null ? toList(c, "deleted") : list(c, { values: of.fresh, refusal, refused });
    });
  return { pages, list, edit, toList };
}
