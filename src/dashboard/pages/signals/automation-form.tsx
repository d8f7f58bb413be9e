import type { FC } from "hono/jsx";
import { allOf } from "../../api-json";
import { Read, SelectField, TextField, Token, textOf } from "../../components/form";
import { Icon } from "../../components/icon";
import { EnterSends } from "../../forms/builder";
import type { FormProps } from "../../resource-pages";
import { type SiteContext, tenantPath } from "../../site";
import { endpointNames } from "../deliveries/deliveries";
import { typeNames } from "../endpoints/endpoint-log";

/** The most actions of an automation. */
const MOST_ACTIONS = 10;

interface Action {
  type: string;
  endpoint: string;
  persona?: string | null;
  limit?: number | null;
}

export interface Automation {
  id: string;
  name: string;
  trigger: string;
  segment: string | null;
  actions: Action[];
}

/** What a form is filled in with. */
export type AutomationValues = Omit<Automation, "id">;

/** What it can choose from. */
export interface Choices {
  endpoints: ReadonlyMap<string, string>;
  segments: ReadonlyMap<string, string>;
  types: readonly string[];
}

export async function choicesFor(c: SiteContext): Promise<Choices> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const [endpoints, segments, types] = await Promise.all([
    endpointNames(site, tenant),
    allOf((query) => site.api.segments.list(tenant, { query })),
    typeNames(site),
  ]);
  return { endpoints, types, segments: new Map(segments.map(({ id, name }) => [id, name])) };
}

const ACTIONS: readonly (readonly [string, string])[] = [
  ["webhook", "deliver the event to"],
  ["reveal_contacts", "reveal its contacts to"],
];

/** An action in words. `endpoints`: the path of the endpoints' pages. */
export const Said: FC<{ endpoints: string; action: Action; choices: Choices }> = ({ endpoints, action, choices }) => (
  <li>
    {ACTIONS.find(([type]) => type === action.type)?.[1] ?? action.type}{" "}
    <a href={`${endpoints}/${encodeURIComponent(action.endpoint)}`}>
      {choices.endpoints.get(action.endpoint) ?? action.endpoint}
    </a>
    {action.persona ? `, those who are ${choices.segments.get(action.persona) ?? action.persona}` : ""}
    {action.limit ? `, at most ${action.limit} per company` : ""}
  </li>
);

export const AutomationForm: FC<FormProps<Automation, AutomationValues, Choices>> = ({
  site,
  action,
  values,
  choices,
  refusal,
  what,
  read,
}) => {
  const errors = refusal?.errors ?? [];
  const endpoints: [string, string][] = [["", "nobody"], ...choices.endpoints];
  // One more than there are.
  const rooms = Math.min(values.actions.length + 1, MOST_ACTIONS);
  return (
    <form method="post" action={action}>
      <Token visit={site} />
      <Read of={read} />
      <EnterSends />
      <div class="columns fields">
        <TextField
          name="name"
          label="Name"
          required
          value={values.name}
          errors={errors}
          placeholder="Hot leads to sales"
        />
        <TextField
          name="trigger"
          label="When this event comes"
          required
          value={values.trigger}
          errors={errors}
          list="triggers"
          placeholder="lead.hot"
        />
        <SelectField
          name="segment"
          label="And it is in the segment"
          value={values.segment ?? ""}
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
        const { type = "webhook", endpoint = "", persona = "", limit = null } = values.actions[i] ?? {};
        return (
          <fieldset class="action">
            <legend>Action {i + 1}</legend>
            <div class="inline">
              <SelectField
                name={`type.${i}`}
                path={`actions.${i}.type`}
                label="Do"
                value={type}
                options={ACTIONS}
                errors={errors}
              />
              <SelectField
                name={`endpoint.${i}`}
                path={`actions.${i}.endpoint`}
                label="Endpoint"
                value={endpoint}
                options={endpoints}
                errors={errors}
              />
              <div class="inline of-reveal">
                <SelectField
                  name={`persona.${i}`}
                  path={`actions.${i}.persona`}
                  errors={errors}
                  label="Persona"
                  value={persona ?? ""}
                  options={[["", "all contacts"], ...choices.segments]}
                />
                <TextField
                  name={`limit.${i}`}
                  path={`actions.${i}.limit`}
                  errors={errors}
                  label="Per company"
                  type="number"
                  min={1}
                  value={limit === null ? "" : String(limit)}
                  placeholder="no limit"
                />
              </div>
            </div>
          </fieldset>
        );
      })}
      {rooms === MOST_ACTIONS ? null : (
        <button
          type="submit"
          id="do-actions"
          name="actions.do"
          value="add"
          class="small"
          formnovalidate
          hx-post={action}
          hx-target="closest form"
          hx-select={`form[action="${action}"]`}
          hx-swap="outerHTML"
        >
          Another action
        </button>
      )}
      <p class="hint">It delivers whatever the endpoint subscribes to, still once per event and endpoint.</p>
      <button type="submit" class="primary">
        {what}
      </button>
    </form>
  );
};

/** What a form says as the API takes it. */
export function automationIn(form: FormData): AutomationValues {
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

/** The way to the form that makes a rule whole. */
export const newRuleLink = (c: SiteContext) => (
  <a class="button primary" href={tenantPath(c, "automations", "new")}>
    <Icon name="plus" /> When … then …
  </a>
);

export const NEW: AutomationValues = { name: "", trigger: "", segment: null, actions: [] };
