import { Hono } from "hono";
import { callTenant, type ListOf, listTenantThings, type Saved } from "../../api-json";
import { Act, Refused } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Empty, Pager } from "../../components/parts";
import { type Refusal, refusedWith } from "../../errors";
import { keepWarnings, needs } from "../../guard";
import { carriedOn, patchRead } from "../../meanwhile";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { type Automation, AutomationForm, automationIn, type Choices, choicesFor, NEW, Said } from "./automation-form";

const PAGE_SIZE = 25;

export async function list(
  c: SiteContext,
  refusal: Refusal | null = null,
  filled: Omit<Automation, "id"> = NEW,
): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const here = tenantPath(c, "automations");
  const [found, choices]: [ListOf<Automation>, Choices] = await Promise.all([
    listTenantThings<Automation>(c, "automations", PAGE_SIZE),
    choicesFor(c),
  ]);
  return page(
    c,
    { title: "Automations", current: "Automations", status: refusal === null ? 200 : 422 },
    <>
      <PageHead
        title="Automations"
        about="A trigger event, within a segment if it names one, and what is done with it."
      />
      <Card>
        {found.data.length === 0 ? (
          <Empty icon="bolt" title="No automations yet">
            They deliver an event to an endpoint that does not subscribe to it, or reveal its contacts.
          </Empty>
        ) : (
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">When</th>
                <th scope="col">Then</th>
                {site.may.automations.update ? (
                  <th scope="col">
                    <span class="hidden-text">Actions</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {found.data.map((automation) => (
                <tr>
                  <td data-name="Name" class="main-cell">
                    {automation.name}
                  </td>
                  <td data-name="When">
                    <code>{automation.trigger}</code>
                    {automation.segment === null
                      ? null
                      : ` in ${choices.segments.get(automation.segment) ?? automation.segment}`}
                  </td>
                  <td data-name="Then">
                    <ul class="plain">
                      {automation.actions.map((action) => (
                        <Said site={site} tenant={tenant} action={action} choices={choices} />
                      ))}
                    </ul>
                  </td>
                  {site.may.automations.update ? (
                    <td class="row-actions">
                      <a class="button small" href={`${here}/${automation.id}`} aria-label={`Edit ${automation.name}`}>
                        Edit
                      </a>
                      <Act
                        visit={site}
                        action={`${here}/${automation.id}/delete`}
                        class="small danger"
                        label={`Delete ${automation.name}`}
                        asks={`Delete the automation ${automation.name}?`}
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
          first={c.req.query("cursor") === undefined ? null : here}
          what="automations"
        />
      </Card>
      {site.may.automations.create ? (
        <Card title="New automation">
          <Refused refusal={refusal} what="The automation was not created." />
          <AutomationForm
            site={site}
            action={here}
            automation={filled}
            choices={choices}
            refusal={refusal}
            what="Create"
          />
        </Card>
      ) : null}
    </>,
  );
}

async function edit(
  c: SiteContext,
  refusal: Refusal | null = null,
  filled: Omit<Automation, "id"> | null = null,
): Promise<Response> {
  needs(c.get("site").may.automations.update, "Your role reads, and does not change automations.");
  const site = c.get("site");
  const id = c.req.param("automation") ?? "";
  const [automation, choices] = await Promise.all([
    callTenant<Automation>(c, "GET", ["automations", id]),
    choicesFor(c),
  ]);
  return page(
    c,
    { title: automation.name, current: "Automations", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title={automation.name} up={{ href: tenantPath(c, "automations"), name: "Automations" }} />
      <Card>
        <Refused refusal={refusal} what="The automation was not changed." />
        <AutomationForm
          site={site}
          action={tenantPath(c, "automations", id)}
          automation={filled ?? automation}
          choices={choices}
          refusal={refusal}
          what="Save"
          read={carriedOn(c, automation, refusal)}
        />
      </Card>
    </>,
  );
}

/** Automations. */
export const automationPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/automations", (c) => list(c))
  .post("/tenants/:tenant/automations", async (c) => {
    const filled = automationIn(c.get("form"));
    const refusal = await refusedWith(async () =>
      keepWarnings(c, (await callTenant<Saved>(c, "POST", ["automations"], filled)).warnings),
    );
    if (refusal !== null) return list(c, refusal, filled);
    return c.redirect(withQuery(tenantPath(c, "automations"), { done: "created" }), 303);
  })
  .get("/tenants/:tenant/automations/:automation", (c) => edit(c))
  .post("/tenants/:tenant/automations/:automation", async (c) => {
    const filled = automationIn(c.get("form"));
    const refusal = await refusedWith(async () =>
      keepWarnings(c, await patchRead(c, ["automations", c.req.param("automation")], { ...filled })),
    );
    if (refusal !== null) return edit(c, refusal, filled);
    return c.redirect(withQuery(tenantPath(c, "automations"), { done: "saved" }), 303);
  })
  .post("/tenants/:tenant/automations/:automation/delete", async (c) => {
    await callTenant(c, "DELETE", ["automations", c.req.param("automation")]);
    return c.redirect(withQuery(tenantPath(c, "automations"), { done: "deleted" }), 303);
  });
