import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { readJson } from "../../../lib/json/exact";
import { FILTER_HINT, Read, TextArea, TextField, Token, textOf } from "../../components/form";
import { Block } from "../../components/parts";
import { refused } from "../../errors";
import { type FormProps, resourcePages } from "../../resource-pages";

type Segment = Awaited<ReturnType<Client["segments"]["get"]>>;

interface Values {
  name: string;
  filter: string;
}

const SegmentForm: FC<FormProps<Segment, Values, null>> = ({ site, action, values, refusal, what, read }) => {
  const errors = refusal?.errors ?? [];
  return (
    <form method="post" action={action}>
      <Token visit={site} />
      <Read of={read} />
      <TextField name="name" label="Name" required value={values.name} errors={errors} placeholder="Large companies" />
      <TextArea
        name="filter"
        label="Filter"
        code
        rows={5}
        value={values.filter}
        errors={errors}
        placeholder={'{"data.company.employees": {"$gte": 250}}'}
        hint={`MongoDB-style. Over event, data, tenant and timestamp; as a persona, over the contact. ${FILTER_HINT}`}
      />
      <button type="submit" class="primary">
        {what}
      </button>
    </form>
  );
};

const textOfFilter = ({ filter }: Segment) => JSON.stringify(filter, null, 2);

function filterIn(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    const errors = [{ path: "filter", message: `is not JSON: ${(error as Error).message}` }];
    throw refused("The filter is not JSON.", errors);
  }
}

/** Segments. */
export const { pages: segmentPages } = resourcePages<Segment, Values>({
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
    { name: "Filter", class: "clip", cell: ({ filter }) => <code>{JSON.stringify(filter)}</code> },
  ],
  asks: ({ name }) => `Delete the segment ${name}?`,
  refused: { create: "That was refused.", change: "The segment was not changed." },
  fresh: { name: "", filter: "" },
  valuesIn: (form) => ({ name: textOf(form, "name"), filter: textOf(form, "filter") }),
  valuesOf: (segment) => ({ name: segment.name, filter: textOfFilter(segment) }),
  bodyOf: ({ name, filter }) => ({ name, filter: filterIn(filter) }),
  form: SegmentForm,
  choices: async () => null,
  reading: (segment) => <Block text={textOfFilter(segment)} label="Filter" />,
});
