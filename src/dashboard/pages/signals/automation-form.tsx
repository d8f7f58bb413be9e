import type { FC } from "hono/jsx";
import { SelectField, TextField, Token, textOf } from "../../components/form";
import type { Refusal } from "../../errors";
import { READ } from "../../meanwhile";
import { path, type Site, type SiteContext } from "../../site";
import { endpointNames } from "../deliveries/deliveries";
import { typeNames } from "../endpoints/endpoint-log";

/** The actions that a form has room for; the API takes ten. */
const ROOMS = 3;

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

/** What a form is filled in with, and what it can choose from. */
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
export const Said: FC<{ site: Site; tenant: string; action: Action; choices: Choices }> = ({
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

export const AutomationForm: FC<{
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
export function automationIn(form: FormData): Omit<Automation, "id"> {
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

export const NEW = { name: "", trigger: "", segment: null, actions: [] };
