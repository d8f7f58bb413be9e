import type { Child, FC } from "hono/jsx";
import { type FieldErrors, messagesOf } from "../errors";
import type { Known } from "./fields";
import type { FilterValues } from "./filter-form";
import { BLANK, type Group, isGroup, MAX_LEVELS, OPERATORS, type Part, type Row } from "./rows";
import { VALUE_HINT } from "./values";

interface Props {
  /** The filter's name in the form and at the API. */
  name: string;
  label: string;
  /** Where the form is sent: its buttons ask there for the form with a row more. */
  action: string;
  values: FilterValues;
  fields: readonly Known[];
  errors: FieldErrors;
  hint: string;
}

/** What is wrong with a row: what the form itself says of its place, and what the API says of its condition. */
function wrongWith({ field, operator }: Row, name: string, at: string, errors: FieldErrors): string[] {
  const key = operator === "missing" ? "$exists" : operator;
  return errors.flatMap(({ path, message }) =>
    path === `${name}.#${at}` ||
    (path.startsWith(`${name}.`) && (path.endsWith(`.${field}`) || path.endsWith(`.${field}.${key}`)))
      ? [message]
      : [],
  );
}

/** What is wrong that no row shows. */
function restOf({ tab, group }: FilterValues, name: string, errors: FieldErrors): string[] {
  const shown = (parts: readonly Part[], at: string): string[] =>
    parts.flatMap((part, i) =>
      isGroup(part) ? shown(part.parts, `${at}${i}.`) : wrongWith(part, name, `${at}${i}`, errors),
    );
  const seen = new Set(tab === "rows" ? shown(group.parts, "") : []);
  return messagesOf(
    errors.filter(({ message }) => !seen.has(message)),
    name,
  );
}

/** A button that asks for the same form with something changed. */
const Ask: FC<{ of: Props; value: string; class?: string; label?: string; pressed?: boolean; children?: Child }> = ({
  of: { name, action },
  value,
  class: kind = "small",
  label,
  pressed,
  children,
}) => (
  <button
    type="submit"
    id={`do-${name}-${value.replace(/[ .]/g, "-")}`}
    name={`${name}.do`}
    value={value}
    class={kind}
    formnovalidate
    hx-post={action}
    {...(label === undefined ? {} : { "aria-label": label })}
    {...(pressed === undefined ? {} : { "aria-pressed": pressed ? "true" : "false" })}
  >
    {children}
  </button>
);

const RowFields: FC<{ of: Props; row: Row; at: string; number: string }> = ({ of, row, at, number }) => {
  const { name, errors } = of;
  const wrong = wrongWith(row, name, at, errors);
  const id = `f-${name}-${at.replaceAll(".", "-")}`;
  const about = wrong.length === 0 ? {} : { "aria-invalid": "true" as const, "aria-describedby": `${id}-wrong` };
  return (
    <div class="condition">
      <input
        name={`${name}.${at}.field`}
        id={`${id}-field`}
        value={row.field}
        list={`${name}-fields`}
        placeholder="data.company.country"
        aria-label={`Field ${number}`}
        autocomplete="off"
        spellcheck={false}
        {...about}
      />
      <select name={`${name}.${at}.operator`} id={`${id}-operator`} aria-label={`Operator ${number}`}>
        {Object.entries(OPERATORS).map(([operator, [words]]) => (
          <option value={operator} selected={operator === row.operator}>
            {words}
          </option>
        ))}
      </select>
      <input
        name={`${name}.${at}.value`}
        id={`${id}-value`}
        value={row.value}
        aria-label={`Value ${number}`}
        autocomplete="off"
        spellcheck={false}
        {...about}
      />
      <Ask of={of} value={`remove ${at}`} class="small quiet-button" label={`Remove condition ${number}`}>
        ×
      </Ask>
      {wrong.length === 0 ? null : (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong.join("; ")}
        </p>
      )}
    </div>
  );
};

const GroupFields: FC<{ of: Props; group: Group; at: string; level: number }> = ({ of, group, at, level }) => {
  const { name } = of;
  const join = at === "" ? `${name}.join` : `${name}.${at}.join`;
  // One empty row to begin with, or somebody without a script would have to ask for it.
  const parts: readonly Part[] = group.parts.length === 0 ? [BLANK] : group.parts;
  const place = (i: number) => (at === "" ? `${i}` : `${at}.${i}`);
  const number = (i: number) =>
    place(i)
      .split(".")
      .map((one) => Number(one) + 1)
      .join(".");
  const end = at === "" ? "" : ` ${at}`;
  return (
    <div class={level === 1 ? "conditions" : "conditions inner"}>
      {level === 1 && parts.length === 1 ? (
        <input type="hidden" name={join} value={group.join} />
      ) : (
        <select
          name={join}
          aria-label={at === "" ? "Which must hold" : `Which of group ${number(0).replace(/\.\d+$/, "")} must hold`}
        >
          <option value="all" selected={group.join === "all"}>
            All of these hold
          </option>
          <option value="any" selected={group.join === "any"}>
            Any of these holds
          </option>
        </select>
      )}
      {parts.map((part, i) =>
        isGroup(part) ? (
          <GroupFields of={of} group={part} at={place(i)} level={level + 1} />
        ) : (
          <RowFields of={of} row={part} at={place(i)} number={number(i)} />
        ),
      )}
      <div class="condition-end">
        <Ask of={of} value={`add${end}`}>
          Add a condition
        </Ask>
        {level < MAX_LEVELS ? (
          <Ask of={of} value={`group${end}`}>
            Add a group
          </Ask>
        ) : null}
        {level > 1 ? (
          <Ask of={of} value={`remove${end}`} class="small quiet-button">
            Remove the group
          </Ask>
        ) : null}
      </div>
    </div>
  );
};

/** What the key Enter presses: else it would be the first of the buttons that ask for the form again. */
export const EnterSends: FC = () => (
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nobody comes to it, with keys or without
  <button type="submit" class="hidden-text" tabindex={-1} aria-hidden="true" />
);

/** A filter as rows, with its JSON as the second tab. Without a script each of its buttons renders the form anew. */
export const FilterBuilder: FC<Props> = (of) => {
  const { name, label, values, fields, errors, hint } = of;
  const { tab, json, group, was, note } = values;
  const id = `f-${name}`;
  const rest = restOf(values, name, errors);
  return (
    <fieldset
      class="builder"
      id={`builder-${name}`}
      hx-target={`#builder-${name}`}
      hx-select={`#builder-${name}`}
      hx-swap="outerHTML"
    >
      <legend>{label}</legend>
      <EnterSends />
      <input type="hidden" name={`${name}.tab`} value={tab} />
      {was === "" ? null : <input type="hidden" name={`${name}.was`} value={was} />}
      <div class="switch">
        <Ask of={of} value="rows" class="" pressed={tab === "rows"}>
          Conditions
        </Ask>
        <Ask of={of} value="json" class="" pressed={tab === "json"}>
          JSON
        </Ask>
      </div>
      {note === null ? null : <p class="notice info">{note}</p>}
      {tab === "rows" ? (
        <>
          <GroupFields of={of} group={group} at="" level={1} />
          <datalist id={`${name}-fields`}>
            {fields.map(({ path, example }) => (
              <option value={path} {...(example === "" ? {} : { label: `${path}: ${example}` })} />
            ))}
          </datalist>
        </>
      ) : (
        <textarea
          name={name}
          id={id}
          class="code"
          rows={6}
          spellcheck={false}
          aria-label={`${label} as JSON`}
          {...(rest.length === 0 ? {} : { "aria-invalid": "true", "aria-describedby": `${id}-wrong` })}
        >
          {`\n${json}`}
        </textarea>
      )}
      {rest.length === 0 ? null : (
        <p class="wrong" id={`${id}-wrong`}>
          {rest.join("; ")}
        </p>
      )}
      <p class="hint">
        {hint} {tab === "rows" ? VALUE_HINT : "MongoDB-style; a dot in a key is written \\\\. in JSON."}
      </p>
    </fieldset>
  );
};
