import type { FC } from "hono/jsx";
import { SelectField, TextField } from "../../components/form";
import type { FieldErrors } from "../../errors";
import type { Known } from "../../forms/fields";
import type { KindField, WhenValues } from "./signal-values";

/** The fields of each kind: what they are called, and an example. */
const OF_KIND: readonly (readonly [
  kinds: string,
  fields: readonly (readonly [KindField, string, string, string?])[],
])[] = [
  [
    "crosses",
    [
      ["crosses.path", "Path of the value", "company.leadScore", "paths"],
      ["crosses.threshold", "Threshold", "70"],
    ],
  ],
  [
    "changesBy",
    [
      ["changesBy.path", "Path of what moves", "company.leadScore", "paths"],
      ["changesBy.atLeast", "By at least", "5"],
    ],
  ],
  ["returnsAfter", [["returnsAfter.seconds", "After a silence of", "7 d"]]],
  ["inList", [["inList", "List", "watchlist"]]],
];

/** The kinds that compare a value with one before. */
const ATTACHED: readonly (readonly [KindField, string, string])[] = [
  ["attach.previous", "Add the value before as", "previousScore"],
  ["attach.current", "Add the value now as", "newScore"],
];

interface Props {
  values: WhenValues;
  errors: FieldErrors;
  /** The kinds to choose from, in words. */
  kinds: readonly (readonly [form: string, words: string])[];
  label?: string;
}

/** When a rule fires: the kind, and its fields. Those of other kinds are hidden by the style sheet, where it can. */
export const WhenFields: FC<Props> = ({ values, errors, kinds, label = "Fires when" }) => (
  <>
    <SelectField name="form" path="when" label={label} value={values.form} options={kinds} errors={ownOf(errors)} />
    {OF_KIND.map(([kind, fields]) => (
      <div class={`of-${kind} inline`}>
        {fields.map(([name, label, placeholder, list]) => (
          <TextField
            {...{ name, label, placeholder, errors }}
            path={`when.${name}`}
            value={values[name]}
            {...(list === undefined ? {} : { list })}
          />
        ))}
      </div>
    ))}
  </>
);

/** What the event gets besides the observation. */
export const AttachFields: FC<Pick<Props, "values" | "errors">> = ({ values, errors }) => (
  <div class="of-compared">
    <div class="inline">
      {ATTACHED.map(([name, label, placeholder], i) => (
        <TextField
          {...{ name, label, placeholder }}
          path={i === 0 ? "attach" : name}
          value={values[name]}
          errors={errors}
        />
      ))}
    </div>
    <p class="hint">Fields that the event gets besides the observation; empty: none.</p>
  </div>
);

/** What is wrong with the kind itself: each of its fields says its own. */
function ownOf(errors: FieldErrors): FieldErrors {
  const fields = OF_KIND.flatMap(([, some]) => some.map(([name]) => `when.${name}`));
  return errors.filter(({ path }) => !fields.some((field) => path === field || path.startsWith(`${field}.`)));
}

/** The paths of an observation that a field proposes: an event's data is one. */
export const Paths: FC<{ fields: readonly Known[] }> = ({ fields }) => (
  <datalist id="paths">
    {fields.flatMap(({ path }) => (path.startsWith("data.") ? [<option value={path.slice("data.".length)} />] : []))}
  </datalist>
);
