import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { callTenant, type ListOf, listTenantThings, type Saved } from "../../api-json";
import { Act, Refused, SelectField, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Empty, Pager } from "../../components/parts";
import { type Refusal, refusedWith } from "../../errors";
import { keepWarnings, needs } from "../../guard";
import { carriedOn, patchRead, READ } from "../../meanwhile";
import { path, type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { endpointNames } from "../deliveries/deliveries";
import { typeNames } from "../endpoints/endpoint-log";

const PAGE_SIZE = 25;
/** The actions that a form has room for; the API takes ten. */
const ROOMS = 3;

interface Action {
  type: string;
  endpoint: string;
  persona?: string | null;
  limit?: number | null;
}

interface Automation {
  id: string;
  name: string;
  trigger: string;
  segment: string | null;
  actions: Action[];
}

/** What a form is filled in with, and what it can choose from. */
interface Choices {
  endpoints: ReadonlyMap<string, string>;
  segments: ReadonlyMap<string, string>;
  types: readonly string[];
}

async function choicesFor(c: SiteContext): Promise<Choices> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const [endpoints, segments, types] = await Promise.all([
    endpointNames(site, tenant),
    site.api.segments.list(tenant, { query: { limit: 250 } }),
    typeNames(site),
  ]);
  return { endpoints, types, segments: new Map(segments.data.map(({ id, name }) => [id, name])) };
}

const ACTIONS: readonly (readonly [string, string])[] = [
  ["webhook", "deliver the event to"],
  ["reveal_contacts", "reveal its contacts to"],
];

/** An action in words. */
const Said: FC<{ site: Site; tenant: string; action: Action; choices: Choices }> = ({
  site,
  tenant,
  action,
  choices,
}) => (
  <li>
    {ACTIONS.find(([type]) => type === action.type)?.[1] ?? action.type}{" "}
    <a href={path(site.base, "tenants", tenant, "endpoints", action.endpoint)}>
      {choices.endpoints.get(action.endpoint) ?? action.endpoint}
    </a>
    {action.persona ? `, those who are ${choices.segments.get(action.persona) ?? action.persona}` : ""}
    {action.limit ? `, at most ${action.limit} per company` : ""}
  </li>
);

const AutomationForm: FC<{
  site: Site;
  action: string;
  automation: Omit<Automation, "id">;
  choices: Choices;
  refusal: Refusal | null;
  what: string;
  /** What it is rendered from; absent: there is no automation yet. */
  read?: Automation;
}> = ({ site, action, automation, choices, refusal, what, read }) => {
  const errors = refusal?.errors ?? [];
  const endpoints: [string, string][] = [["", "nobody"], ...choices.endpoints];
  const rooms = Math.max(ROOMS, automation.actions.length);
  return (
    <form method="post" action={action}>
      <Token visit={site} />
      {read === undefined ? null : <input type="hidden" name={READ} value={JSON.stringify(read)} />}
      <div class="columns fields">
        <TextField
          name="name"
          label="Name"
          required
          value={automation.name}
          errors={errors}
          placeholder="Hot leads to sales"
        />
        <TextField
          name="trigger"
          label="When this event comes"
          required
          value={automation.trigger}
          errors={errors}
          list="triggers"
          placeholder="lead.hot"
        />
        <SelectField
          name="segment"
          label="And it is in the segment"
          value={automation.segment ?? ""}
          options={[["", "any event of the type"], ...choices.segments]}
          errors={errors}
        />
      </div>
      <datalist id="triggers">
        {choices.types.map((type) => (
          <option value={type} />
        ))}
      </datalist>
      {Array.from({ length: rooms }, (_, i) => {
        const { type = "webhook", endpoint = "", persona = "", limit = null } = automation.actions[i] ?? {};
        return (
          <fieldset class="action">
            <legend>Action {i + 1}</legend>
            <div class="inline">
              <SelectField name={`type.${i}`} label="Do" value={type} options={ACTIONS} />
              <SelectField
                name={`endpoint.${i}`}
                path={`actions.${i}`}
                label="Endpoint"
                value={endpoint}
                options={endpoints}
                errors={errors}
              />
              <SelectField
                name={`persona.${i}`}
                label="Persona"
                value={persona ?? ""}
                options={[["", "all contacts"], ...choices.segments]}
              />
              <TextField
                name={`limit.${i}`}
                label="Per company"
                type="number"
                min={1}
                value={limit === null ? "" : String(limit)}
                placeholder="no limit"
              />
            </div>
          </fieldset>
        );
      })}
      <p class="hint">
        It delivers whatever the endpoint subscribes to, still once per event and endpoint. Persona and limit are for
        revealing contacts.
      </p>
      <button type="submit" class="primary">
        {what}
      </button>
    </form>
  );
};

/** What a form says as the API takes it. */
function automationIn(form: FormData): Omit<Automation, "id"> {
  const actions: Action[] = [];
  for (let i = 0; form.has(`type.${i}`); i++) {
    const [type, endpoint] = [textOf(form, `type.${i}`), textOf(form, `endpoint.${i}`)];
    const [persona, limit] = [textOf(form, `persona.${i}`), textOf(form, `limit.${i}`)];
    if (endpoint === "") continue;
    // As the API answers them, so that what is as it was is seen to be.
    const more = { persona: persona || null, limit: limit === "" ? null : Number(limit) };
    actions.push(type === "webhook" ? { type, endpoint } : { type, endpoint, ...more });
  }
  return {
    name: textOf(form, "name"),
    trigger: textOf(form, "trigger"),
    segment: textOf(form, "segment") || null,
    actions,
  };
}

const NEW = { name: "", trigger: "", segment: null, actions: [] };

async function list(
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
