import type { Child, FC } from "hono/jsx";
import { type FieldErrors, messagesOf, type Refusal } from "../errors";
import { labelOf } from "../forms/labels";
import { READ } from "../meanwhile";
import { path, THEMES, type Visit } from "../site";
import { Zone } from "./time";

/** What shows that a form is ours. */
export const Token: FC<{ visit: Visit }> = ({ visit }) => <input type="hidden" name="_token" value={visit.token} />;

const THEME_NAMES = { light: "Light", dark: "Dark", auto: "Auto" } as const;

/** What a form is rendered from, for whoever changes the same meanwhile: see meanwhile.ts. Nothing of what is not there yet. */
export const Read: FC<{ of: object | undefined }> = ({ of }) =>
  of === undefined ? null : <input type="hidden" name={READ} value={JSON.stringify(of)} />;

/** Chooses the theme; the browser remembers it. */
export const ThemeSwitch: FC<{ visit: Visit }> = ({ visit }) => (
  <form method="post" action={path(visit.base, "theme")} class="theme-switch" aria-label="Theme">
    <Token visit={visit} />
    <input type="hidden" name="back" value={visit.here} />
    {THEMES.map((theme) => (
      <button type="submit" name="theme" value={theme} aria-pressed={theme === visit.theme ? "true" : "false"}>
        {THEME_NAMES[theme]}
      </button>
    ))}
  </form>
);

/** A button that changes something: a form of its own. `asks`: what is asked before, where there is JavaScript. */
export const Act: FC<{
  visit: Visit;
  action: string;
  class?: string;
  fields?: Record<string, string>;
  asks?: string;
  label?: string;
  children?: Child;
}> = ({ visit, action, class: name = "", fields = {}, asks, label, children }) => (
  <form method="post" action={action} class="act" {...(asks === undefined ? {} : { "data-asks": asks })}>
    <Token visit={visit} />
    {Object.entries(fields).map(([field, value]) => (
      <input type="hidden" name={field} value={value} />
    ))}
    <button type="submit" class={name} {...(label === undefined ? {} : { "aria-label": label })}>
      {children}
    </button>
  </form>
);

interface FieldProps {
  name: string;
  label: string;
  hint?: Child;
  /** What the API said of the form. */
  errors?: FieldErrors;
  /** The field as the API names it; `name` unless given. */
  path?: string;
  /** Its id; absent: made of its name, which then is no other field's on the page. */
  id?: string;
  children: (attributes: { id: string; name: string; "aria-describedby"?: string; "aria-invalid"?: "true" }) => Child;
}

/** How the label of a time ends: a script tells it in another zone. */
const UTC = " (UTC)";

/** A field with its label, a hint, and what is wrong with it. */
export const Field: FC<FieldProps> = ({
  name,
  label,
  hint,
  errors = [],
  path: at = name,
  id = `f-${name.replaceAll(".", "-")}`,
  children,
}) => {
  const wrong = messagesOf(errors, at);
  const about = [hint === undefined ? "" : `${id}-hint`, wrong.length === 0 ? "" : `${id}-wrong`].filter(Boolean);
  const attributes = {
    id,
    name,
    ...(about.length === 0 ? {} : { "aria-describedby": about.join(" ") }),
    ...(wrong.length === 0 ? {} : { "aria-invalid": "true" as const }),
  };
  return (
    <div class="field">
      <label for={id}>
        {label.endsWith(UTC) ? (
          <>
            {label.slice(0, -UTC.length)} <Zone />
          </>
        ) : (
          label
        )}
      </label>
      {children(attributes)}
      {wrong.length === 0 ? null : (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong.join("; ")}
        </p>
      )}
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
};

/** A line of text. */
export const TextField: FC<
  Omit<FieldProps, "children"> & {
    value?: string | undefined;
    type?: "text" | "url" | "number" | "password" | "datetime-local" | "search";
    required?: boolean;
    placeholder?: string;
    autocomplete?: string;
    list?: string;
    min?: number;
    max?: number;
  }
> = ({ value, type = "text", required, placeholder, autocomplete = "off", list, min, max, ...field }) => (
  <Field {...field}>
    {(attributes) => (
      <input
        {...attributes}
        type={type}
        value={value ?? ""}
        required={required ?? false}
        autocomplete={autocomplete}
        spellcheck={false}
        {...(placeholder === undefined ? {} : { placeholder })}
        {...(list === undefined ? {} : { list })}
        {...(min === undefined ? {} : { min })}
        {...(max === undefined ? {} : { max })}
        {...(type === "datetime-local" ? { step: 1 } : {})}
      />
    )}
  </Field>
);

/** Some lines of text. */
export const TextArea: FC<
  Omit<FieldProps, "children"> & { value?: string | undefined; rows?: number; placeholder?: string; code?: boolean }
> = ({ value, rows = 3, placeholder, code, ...field }) => (
  <Field {...field}>
    {(attributes) => (
      <textarea
        {...attributes}
        rows={rows}
        spellcheck={false}
        class={code ? "code" : ""}
        {...(placeholder === undefined ? {} : { placeholder })}
      >
        {/* A first line break would be dropped by the browser. */}
        {value === undefined ? "" : `\n${value}`}
      </textarea>
    )}
  </Field>
);

/** One of some. */
export const SelectField: FC<
  Omit<FieldProps, "children"> & {
    value?: string | undefined;
    options: readonly (readonly [value: string, name: string])[];
  }
> = ({ value, options, ...field }) => (
  <Field {...field}>
    {(attributes) => (
      <select {...attributes}>
        {options.map(([option, name]) => (
          <option value={option} selected={option === (value ?? "")}>
            {name}
          </option>
        ))}
      </select>
    )}
  </Field>
);

/** What is wrong, with the field that it is about as the form calls it. */
export const Message: FC<{ error: FieldErrors[number]; labels?: Readonly<Record<string, string>> | undefined }> = ({
  error: { path: at, message },
  labels,
}) => {
  const { label, rest } = labelOf(at, labels);
  return (
    <li>
      {label === "" ? null : <strong>{label}</strong>} {rest === "" ? null : <code>{rest}</code>} {message}
    </li>
  );
};

/** What a form was refused with; nothing when it was not. */
export const Refused: FC<{ refusal: Refusal | null; what: string; labels?: Readonly<Record<string, string>> }> = ({
  refusal,
  what,
  labels,
}) =>
  refusal === null ? null : (
    <div class="notice bad" role="alert">
      <p>
        <strong>{what}</strong> {refusal.errors.length === 0 ? refusal.detail : "Nothing was changed:"}
      </p>
      {refusal.errors.length === 0 ? null : (
        <ul>
          {refusal.errors.map((error) => (
            <Message error={error} labels={labels} />
          ))}
        </ul>
      )}
    </div>
  );

/** The text of a form's field, trimmed; empty when it is not there. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}
