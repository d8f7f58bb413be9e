import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { Read, SelectField, TextField, Token, textOf } from "../../components/form";
import { Block } from "../../components/parts";
import { refused } from "../../errors";
import { FilterBuilder } from "../../forms/builder";
import { type FilterValues, filterValuesIn, readFilter, shownFilter } from "../../forms/filter-form";
import { countedFor, type Held, isOverContacts } from "../../forms/held";
import { HeldCard } from "../../forms/held-pane";
import { inWords } from "../../forms/rows";
import { type FormProps, resourcePages } from "../../resource-pages";
import { type Fields, knownFields } from "../catalog/known-fields";

type Segment = Awaited<ReturnType<Client["segments"]["get"]>>;

/** What the paths of a filter begin in: it is not stored, since each filter tells. */
const ABOUT = [
  ["events", "events: which of them an automation acts on"],
  ["contacts", "contacts of an event: a persona"],
] as const;

interface Values {
  name: string;
  filter: FilterValues;
  about: Held["what"];
  held: Held | null;
}

const SegmentForm: FC<FormProps<Segment, Values, Fields>> = ({
  site,
  action,
  values,
  choices,
  refusal,
  what,
  read,
}) => {
  const errors = refusal?.errors ?? [];
  const { name, filter, about, held } = values;
  return (
    <form method="post" action={action}>
      <Token visit={site} />
      <Read of={read} />
      <div class="split">
        <div>
          <TextField name="name" label="Name" required value={name} errors={errors} placeholder="Large companies" />
          <SelectField name="about" label="Is about" value={about} options={ABOUT} />
          <FilterBuilder
            name="filter"
            label="Filter"
            action={action}
            values={filter}
            fields={choices[about]}
            errors={errors}
            hint={
              about === "contacts"
                ? "Fields begin at the contact: title, email."
                : "Fields begin at event, data, tenant or timestamp."
            }
          />
          <button type="submit" class="primary">
            {what}
          </button>
        </div>
        <div class="aside">
          <HeldCard action={action} events={choices.at} held={held} atOnce={read !== undefined} />
        </div>
      </div>
    </form>
  );
};

const textOfFilter = ({ filter }: Segment) => JSON.stringify(filter, null, 2);

/** What a form says as the API takes it. Throws a refusal of what cannot be read. */
function bodyOf({ name, filter: said }: Values): Record<string, unknown> {
  const { filter, errors } = readFilter(said, "filter");
  const none = filter === null && errors.length === 0 ? [{ path: "filter", message: "needs a condition" }] : errors;
  if (none.length > 0) throw refused("The filter cannot be read.", none);
  return { name, filter };
}

/** Segments. */
export const { pages: segmentPages } = resourcePages<Segment, Values, Fields>({
  path: "segments",
  one: "segment",
  title: "Segments",
  about: "Filters with a name, for automations.",
  empty: {
    icon: "filter",
    text: "A segment is a filter with a name, such as large companies, or visitors from the north.",
  },
  columns: () => [
    { name: "Name", class: "main-cell", cell: ({ name }) => name },
    { name: "Filter", class: "clip", cell: ({ filter }) => inWords(filter) ?? <code>{JSON.stringify(filter)}</code> },
  ],
  asks: ({ name }) => `Delete the segment ${name}?`,
  refused: { create: "That was refused.", change: "The segment was not changed." },
  fresh: { name: "", filter: shownFilter(null), about: "events", held: null },
  valuesIn: (form) => ({
    name: textOf(form, "name"),
    filter: filterValuesIn(form, "filter"),
    about: textOf(form, "about") === "contacts" ? "contacts" : "events",
    held: null,
  }),
  valuesOf: ({ name, filter }) => ({
    name,
    filter: shownFilter(filter),
    about: isOverContacts(filter) ? "contacts" : "events",
    held: null,
  }),
  asked: async (c, values) => ({
    ...values,
    held: await countedFor(c.env, c.req.param("tenant") ?? "", values.filter, { what: values.about }),
  }),
  bodyOf,
  form: SegmentForm,
  choices: knownFields,
  reading: (segment) => (
    <>
      <p>{inWords(segment.filter)}</p>
      <Block text={textOfFilter(segment)} label="Filter" />
    </>
  ),
});
