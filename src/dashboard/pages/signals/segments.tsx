import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import type { Filter } from "../../../lib/filter/filter";
import { readJson } from "../../../lib/json/exact";
import { Act, FILTER_HINT, Refused, TextArea, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Block, Card, Empty, Pager } from "../../components/parts";
import { type FieldErrors, type Refusal, refusalOf } from "../../errors";
import { keepWarnings, type Warning } from "../../guard";
import { carriedOn, patchRead, READ } from "../../meanwhile";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";

const PAGE_SIZE = 25;
type Segment = Awaited<ReturnType<Client["segments"]["get"]>>;

interface Values {
  name: string;
  filter: string;
}

const SegmentForm: FC<{
  site: Site;
  action: string;
  values: Values;
  errors: FieldErrors;
  what: string;
  /** What it is rendered from; absent: there is no segment yet. */
  read?: Segment;
}> = ({ site, action, values, errors, what, read }) => (
  <form method="post" action={action}>
    <Token visit={site} />
    {read === undefined ? null : <input type="hidden" name={READ} value={JSON.stringify(read)} />}
    <TextField name="name" label="Name" required value={values.name} errors={errors} placeholder="Large companies" />
    <TextArea
      name="filter"
      label="Filter"
      code
      rows={5}
      value={values.filter}
      errors={errors}
      placeholder={'{"data.company.employees": {"$gte": 250}}'}
      hint={`MongoDB-style. Over event, data, tenant and timestamp; as a persona, over the contact. ${FILTER_HINT}`}
    />
    <button type="submit" class="primary">
      {what}
    </button>
  </form>
);

async function list(
  c: SiteContext,
  refusal: Refusal | null = null,
  values: Values = { name: "", filter: "" },
): Promise<Response> {
  const site = c.get("site");
  const cursor = c.req.query("cursor");
  const found = await site.api.segments.list(c.req.param("tenant") ?? "", {
    query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
  });
  const here = tenantPath(c, "segments");
  return page(
    c,
    { title: "Segments", current: "Segments", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title="Segments" about="Filters with a name, for automations." />
      <Card>
        {found.data.length === 0 ? (
          <Empty icon="filter" title="No segments yet">
            A segment is a filter with a name, such as large companies, or visitors from the north.
          </Empty>
        ) : (
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Filter</th>
                {site.may.segments.update ? (
                  <th scope="col">
                    <span class="hidden-text">Actions</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {found.data.map((segment) => (
                <tr>
                  <td data-name="Name" class="main-cell">
                    {segment.name}
                  </td>
                  <td data-name="Filter" class="clip">
                    <code>{JSON.stringify(segment.filter)}</code>
                  </td>
                  {site.may.segments.update ? (
                    <td class="row-actions">
                      <a class="button small" href={`${here}/${segment.id}`} aria-label={`Edit ${segment.name}`}>
                        Edit
                      </a>
                      <Act
                        visit={site}
                        action={`${here}/${segment.id}/delete`}
                        class="small danger"
                        label={`Delete ${segment.name}`}
                        asks={`Delete the segment ${segment.name}?`}
                      >
                        Delete
                      </Act>
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <Pager
          next={found.nextCursor === null ? null : withQuery(here, { cursor: found.nextCursor })}
          first={cursor === undefined ? null : here}
          what="segments"
        />
      </Card>
      {site.may.segments.create ? (
        <Card title="New segment">
          <Refused refusal={refusal} what="That was refused." />
          <SegmentForm site={site} action={here} values={values} errors={refusal?.errors ?? []} what="Create" />
        </Card>
      ) : null}
    </>,
  );
}

async function edit(c: SiteContext, refusal: Refusal | null = null, values: Values | null = null): Promise<Response> {
  const site = c.get("site");
  const segment: Segment = await site.api.segments.get(c.req.param("tenant") ?? "", c.req.param("segment") ?? "");
  const shown = values ?? { name: segment.name, filter: JSON.stringify(segment.filter, null, 2) };
  return page(
    c,
    { title: segment.name, current: "Segments", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title={segment.name} up={{ href: tenantPath(c, "segments"), name: "Segments" }} />
      <Card>
        {site.may.segments.update ? (
          <>
            <Refused refusal={refusal} what="The segment was not changed." />
            <SegmentForm
              site={site}
              action={tenantPath(c, "segments", segment.id)}
              values={shown}
              errors={refusal?.errors ?? []}
              what="Save"
              read={carriedOn(c, segment, refusal)}
            />
          </>
        ) : (
          <Block text={shown.filter} label="Filter" />
        )}
      </Card>
    </>,
  );
}

/** Saves what a form says; answers what it was refused with. */
async function saved(
  form: FormData,
  c: SiteContext,
  save: (body: { name: string; filter: Filter }) => Promise<{ warnings?: Warning[] | undefined }>,
): Promise<Refusal | null> {
  try {
    let filter: Filter;
    try {
      filter = readJson(textOf(form, "filter"));
    } catch (error) {
      const errors = [{ path: "filter", message: `is not JSON: ${(error as Error).message}` }];
      return { detail: "The filter is not JSON.", errors };
    }
    keepWarnings(c, (await save({ name: textOf(form, "name"), filter })).warnings);
    return null;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
}

const valuesIn = (form: FormData): Values => ({ name: textOf(form, "name"), filter: textOf(form, "filter") });

/** Segments. */
export const segmentPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/segments", (c) => list(c))
  .post("/tenants/:tenant/segments", async (c) => {
    const form = c.get("form");
    const refusal = await saved(form, c, (body) => c.get("site").api.segments.create(c.req.param("tenant"), body));
    if (refusal !== null) return list(c, refusal, valuesIn(form));
    return c.redirect(withQuery(tenantPath(c, "segments"), { done: "created" }), 303);
  })
  .get("/tenants/:tenant/segments/:segment", (c) => edit(c))
  .post("/tenants/:tenant/segments/:segment", async (c) => {
    const form = c.get("form");
    const { segment } = c.req.param();
    const refusal = await saved(form, c, async (body) => ({
      warnings: await patchRead(c, ["segments", segment], body),
    }));
    if (refusal !== null) return edit(c, refusal, valuesIn(form));
    return c.redirect(withQuery(tenantPath(c, "segments"), { done: "saved" }), 303);
  })
  .post("/tenants/:tenant/segments/:segment/delete", async (c) => {
    const { tenant, segment } = c.req.param();
    try {
      await c.get("site").api.segments.delete(tenant, segment);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return list(c, refusal);
    }
    return c.redirect(withQuery(tenantPath(c, "segments"), { done: "deleted" }), 303);
  });
