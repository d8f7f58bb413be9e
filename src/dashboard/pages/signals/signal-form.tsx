import type { FC } from "hono/jsx";
import { Read, TextArea, TextField, Token } from "../../components/form";
import { Block } from "../../components/parts";
import { FilterBuilder } from "../../forms/builder";
import { prettyJson } from "../../json-text";
import type { FormProps } from "../../resource-pages";
import type { Fields } from "../catalog/known-fields";
import { FORMS, linesOf, type Signal, type SignalValues } from "./signal-values";
import { AttachFields, Paths, WhenFields } from "./when-fields";

export interface Tried {
  events: { rule: string; event: string; data: unknown }[];
  skipped?: { rule: string; reason: string }[];
}

/** What the form shows: the rule, and what it is tried on, with what came of it. */
export interface SignalShown extends SignalValues {
  observations: string;
  tried: Tried[] | null;
}

export const SignalForm: FC<FormProps<Signal, SignalShown, Fields>> = ({
  site,
  action,
  values,
  choices,
  refusal,
  what,
  read,
}) => {
  const { observations, tried } = values;
  const errors = refusal?.errors ?? [];
  return (
    <form method="post" action={action}>
      <Token visit={site} />
      <Read of={read} />
      <div class="split">
        <div>
          <TextField
            name="name"
            label="Name"
            required
            value={values.name}
            errors={errors}
            placeholder="Lead turned hot"
          />
          <TextField
            name="entity"
            label="Entity"
            required
            value={values.entity}
            errors={errors}
            hint="The path of what tells one from another, such as company.domain."
            list="paths"
          />
          <WhenFields {...{ values, errors }} kinds={FORMS} />
          <TextField
            name="emit"
            label="Emits the event"
            required
            value={values.emit}
            errors={errors}
            placeholder="lead.hot"
          />
          <AttachFields {...{ values, errors }} />
          <FilterBuilder
            name="filter"
            label="Filter"
            action={action}
            values={values.filter}
            fields={choices.events.filter(({ path }) => path !== "event")}
            errors={errors}
            hint="Which observations it looks at; without conditions all. Fields begin at data, tenant or timestamp."
          />
          <Paths fields={choices.events} />
          <button type="submit" class="primary">
            {what}
          </button>
        </div>
        <div class="aside">
          <TextArea
            name="observations"
            label="Observations to try it on"
            code
            rows={6}
            value={observations}
            errors={errors}
            hint="JSON objects, one per line, in their order."
          />
          <button type="submit" formaction={`${action}/try`} formnovalidate>
            Dry run
          </button>
          <TriedPane tried={tried} lines={linesOf(observations).map(({ text }) => text)} />
        </div>
      </div>
    </form>
  );
};

/** What each observation would emit. */
const TriedPane: FC<{ tried: Tried[] | null; lines: readonly string[] }> = ({ tried, lines }) =>
  tried === null ? (
    <p class="hint">A dry run stores nothing and sends nothing.</p>
  ) : (
    <ol class="tried" aria-label="What each observation would emit">
      {tried.map(({ events, skipped = [] }, i) => (
        <li>
          <code>{lines[i]}</code>
          {events.length === 0 ? <p class="muted">nothing</p> : null}
          {events.map(({ event, data }) => (
            <>
              <p class="verdict good">
                ✓ emits <code>{event}</code>
              </p>
              <Block text={prettyJson(JSON.stringify(data))} label={`Data of ${event}`} />
            </>
          ))}
          {skipped.map(({ reason }) => (
            <p class="hint">{reason}</p>
          ))}
        </li>
      ))}
    </ol>
  );
