import type { FC } from "hono/jsx";
import { SelectField, TextField, Token } from "../../components/form";
import { Card } from "../../components/parts";
import type { FieldErrors } from "../../errors";
import { FilterBuilder } from "../../forms/builder";
import { HeldCard, HeldPane } from "../../forms/held-pane";
import type { Site } from "../../site";
import type { Fields } from "../catalog/known-fields";
import type { Trial } from "./rule-trial";
import { KINDS, type RuleValues, typeOf } from "./rule-values";
import { Paths, WhenFields } from "./when-fields";

/** An endpoint as the form speaks of it. */
export interface Receiver {
  id: string;
  name: string;
  url: string;
  enabled: boolean;
  events: readonly string[];
}

const ACTIONS = [
  ["webhook", "send the event to"],
  ["reveal_contacts", "reveal its contacts to"],
] as const;

/** Who will receive it, and what of the latest events would have set it off. */
const ReceivePane: FC<{ values: RuleValues; receivers: readonly Receiver[]; trial: Trial | null; events: string }> = ({
  values,
  receivers,
  trial,
  events,
}) => {
  const receiver = receivers.find(({ id }) => id === values.endpoint);
  const trigger = trial?.trigger || typeOf(values.name);
  const others = receivers.filter(
    (one) => one !== receiver && one.events.some((type) => type === trigger || type === "*"),
  );
  return (
    <>
      {receiver === undefined ? (
        <p class="muted">Choose the endpoint that will receive it.</p>
      ) : (
        <p>
          <strong>{receiver.name}</strong> will receive{" "}
          {values.type === "webhook" ? <code>{trigger}</code> : <code>contact_revealed</code>} at{" "}
          <code class="url">{receiver.url}</code>
          {receiver.enabled ? "." : ", once it is enabled again: until then it is held."}
        </p>
      )}
      {values.form === "event" || others.length === 0 ? null : (
        <p class="hint">
          So will those that subscribe to <code>{trigger}</code>, whatever its data:{" "}
          {others.map(({ name }) => name).join(", ")}.
        </p>
      )}
      <HeldPane held={trial?.held ?? null} events={events} verb="would have set it off" />
      {trial === null || trial.contacts === null || trial.held.errors.length > 0 ? null : (
        <HeldPane held={trial.contacts} events={events} verb="would have been revealed" />
      )}
      {values.form === "event" ? null : (
        <p class="hint">A signal looks at observations, which are not kept: here at the events' data in their stead.</p>
      )}
    </>
  );
};

export const RuleForm: FC<{
  site: Site;
  action: string;
  values: RuleValues;
  fields: Fields;
  receivers: readonly Receiver[];
  types: readonly string[];
  errors: FieldErrors;
  trial: Trial | null;
}> = ({ site, action, values, fields, receivers, types, errors, trial }) => (
  <form method="post" action={action} class="rule">
    <Token visit={site} />
    <input type="hidden" name="once" value={values.once} />
    <div class="split">
      <div>
        <Card title="When">
          <WhenFields {...{ values, errors }} kinds={KINDS} label="This happens" />
          <div class="of-event">
            <TextField
              name="trigger"
              label="Event type"
              value={values.trigger}
              errors={errors}
              list="triggers"
              placeholder="lead.hot"
            />
          </div>
          <div class="of-signal inline">
            <TextField name="entity" label="For each" value={values.entity} errors={errors} list="paths" />
            <TextField
              name="emit"
              label="Emits the event"
              value={values.emit}
              errors={errors}
              placeholder={typeOf(values.name) || "called like the rule"}
            />
          </div>
        </Card>
        <Card title="And">
          <FilterBuilder
            name="filter"
            label="What must hold"
            action={action}
            values={values.filter}
            fields={fields.events}
            errors={errors}
            hint="Empty: always."
          />
        </Card>
        <Card title="Then" class="action">
          <div class="inline">
            <SelectField name="type" label="Do" value={values.type} options={ACTIONS} />
            <SelectField
              name="endpoint"
              label="Endpoint"
              value={values.endpoint}
              options={[["", "choose one"], ...receivers.map(({ id, name }) => [id, name] as const)]}
              errors={errors}
            />
          </div>
          <div class="of-reveal">
            <FilterBuilder
              name="persona"
              label="Which contacts"
              action={action}
              values={values.persona}
              fields={fields.contacts}
              errors={errors}
              hint="Fields begin at the contact: title, email. Empty: all."
            />
            <TextField
              name="limit"
              label="At most per company"
              value={values.limit}
              errors={errors}
              type="number"
              min={1}
              placeholder="no limit"
            />
          </div>
          <TextField name="name" label="Name of the rule" value={values.name} errors={errors} required />
          <button type="submit" class="primary">
            Create the rule
          </button>
        </Card>
        <Paths fields={fields.events} />
        <datalist id="triggers">
          {types.map((type) => (
            <option value={type} />
          ))}
        </datalist>
      </div>
      <div class="aside">
        <HeldCard title="Who will receive it" action={action} events={fields.at} held={trial?.held ?? null} atOnce>
          <ReceivePane {...{ values, receivers, trial }} events={fields.at} />
        </HeldCard>
      </div>
    </div>
  </form>
);
