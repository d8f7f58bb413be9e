import { Hono } from "hono";
import { CATALOG_NAMES } from "../../../config/catalogs/catalogs";
import { FaredCard, faredOf } from "../../components/figures/fared";
import { Act, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing } from "../../components/listing";
import { Block, Card, Empty, Facts } from "../../components/parts";
import { PageError, type Refusal, refusedWith } from "../../errors";
import { needs } from "../../guard";
import { prettyJson } from "../../json-text";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { NewType, register } from "./event-type-form";
import { listTypes, type TypeText, typeIn, typesOf } from "./types";

const PAGE_SIZE = 50;

/** The groups that a filter offers, and the one that it was asked for. */
function groupsOf(types: readonly TypeText[], asked: string | undefined): string[] {
  const names = [asked ?? null, ...types.map(({ group }) => group)].filter((name) => name !== null);
  return [...new Set(names)].toSorted();
}

const Marks = ({ type }: { type: TypeText }) => (
  <>
    {type.highVolume ? <span class="tag warn">high volume</span> : null}
    {type.deprecated ? <span class="tag">deprecated</span> : null}
    {type.enforce ? <span class="tag">schema enforced</span> : null}
  </>
);

/** The list of types, with what a form for a new one was refused with. */
async function showList(c: SiteContext, refusal: Refusal | null = null, name = ""): Promise<Response> {
  const site = c.get("site");
  const [group, cursor] = [c.req.query("group") || undefined, c.req.query("cursor")];
  const { data, nextCursor } = await listTypes(c, { limit: PAGE_SIZE, group, cursor });
  const here = tenantPath(c, "event-types");
  const isWhole = group === undefined && cursor === undefined && nextCursor === null;
  const groups = groupsOf(isWhole ? data : await typesOf(c), group);
  return page(
    c,
    { title: "Event types", current: "Event types", refusal },
    <>
      <PageHead
        title="Event types"
        about="What endpoints can subscribe to, the same for all tenants. Types that are not registered can be posted, too."
      />
      <Listing
        {...{ c, here }}
        list={{ data, nextCursor }}
        query={{ group }}
        what="event types"
        byName
        columns={[
          {
            name: "Type",
            cell: (type) => (
              <>
                <a class="row-link" href={`${here}/${encodeURIComponent(type.name)}`}>
                  <code>{type.name}</code>
                </a>
                <Marks type={type} />
              </>
            ),
          },
          { name: "Title", cell: ({ title }) => title ?? <span class="muted">—</span> },
          { name: "Group", cell: ({ group }) => group ?? <span class="muted">—</span> },
        ]}
        empty={
          group === undefined ? (
            <Empty icon="book" title="No event types are registered">
              Types need not be registered to be sent. A catalog brings titles, samples and schemas.
            </Empty>
          ) : (
            <Empty icon="filter" title="No event type is in this group">
              <a href={here}>Show all of them</a>
            </Empty>
          )
        }
      >
        {groups.length > 1 || group !== undefined ? (
          <form method="get" action={here} class="filters" aria-label="Filter event types">
            <label>
              Group
              <select name="group">
                <option value="">any</option>
                {groups.map((name) => (
                  <option value={name} selected={name === group}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit">Filter</button>
            {group === undefined ? null : <a href={here}>Clear</a>}
          </form>
        ) : null}
      </Listing>
      <NewType {...{ c, refusal, name }} />
      {site.may.eventTypes.install ? (
        <Card title="Catalogs">
          <p class="hint">
            Vendors' event types with their samples and schemas. Installing one again brings it up to date.
          </p>
          <div class="card-actions">
            {CATALOG_NAMES.map((name) => (
              <Act
                visit={site}
                action={`${here}/install`}
                fields={{ catalog: name }}
                label={`Install the catalog ${name}`}
              >
                {name}
              </Act>
            ))}
          </div>
        </Card>
      ) : null}
    </>,
  );
}

/** The catalog: which event types there are. */
export const eventTypePages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/event-types", (c) => showList(c))
  .post("/tenants/:tenant/event-types", async (c) => {
    needs(c.get("site").may.eventTypes.put, "Event types are the operator's to register.");
    const name = textOf(c.get("form"), "name");
    const refusal = await refusedWith(() => register(c, name));
    if (refusal !== null) return showList(c, refusal, name);
    return c.redirect(withQuery(tenantPath(c, "event-types", name, "edit"), { done: "created" }), 303);
  })
  .post("/tenants/:tenant/event-types/install", async (c) => {
    const catalog = CATALOG_NAMES.find((name) => name === c.get("form").get("catalog"));
    if (catalog === undefined) throw new PageError(404, "There is no such catalog.");
    await c.get("site").api.eventTypes.install(catalog);
    return c.redirect(withQuery(tenantPath(c, "event-types"), { done: "installed" }), 303);
  })
  .get("/tenants/:tenant/event-types/:name", async (c) => {
    const site = c.get("site");
    const name = c.req.param("name");
    const [text, fared] = await Promise.all([
      site.text(`/v1/event-types/${encodeURIComponent(name)}`),
      faredOf(c, c.req.param("tenant"), { event: name }, Date.now()),
    ]);
    const type = typeIn(text);
    return page(
      c,
      { title: type.name, current: "Event types" },
      <>
        <PageHead
          title={type.name}
          up={{ href: tenantPath(c, "event-types"), name: "Event types" }}
          about={
            <>
              {type.title} <Marks type={type} />
            </>
          }
        >
          <a class="button" href={withQuery(tenantPath(c, "events"), { event: type.name })}>
            Its events
          </a>
          {site.may.eventTypes.update ? (
            <a class="button primary" href={`${tenantPath(c, "event-types", type.name)}/edit`}>
              Edit
            </a>
          ) : null}
        </PageHead>
        {type.description === null ? null : (
          <Card>
            <p>{type.description}</p>
            <Facts rows={[["Group", type.group ?? "—"]]} />
          </Card>
        )}
        <FaredCard c={c} fared={fared} />
        <div class="columns wide">
          <Card title="Sample">
            {type.sample === null ? (
              <p class="muted">It has none; a test needs data of its own.</p>
            ) : (
              <Block text={prettyJson(type.sample)} label={`Sample of ${type.name}`} />
            )}
          </Card>
          <Card title="Schema">
            {type.schema === null ? (
              <p class="muted">Nothing is said about its data.</p>
            ) : (
              <>
                <p class="hint">
                  {type.enforce
                    ? "Enforced: data that breaks it is refused when it is posted."
                    : "Descriptive: nothing is refused for it."}
                </p>
                <Block text={prettyJson(type.schema)} label={`JSON Schema of ${type.name}`} />
              </>
            )}
          </Card>
        </div>
      </>,
    );
  });
