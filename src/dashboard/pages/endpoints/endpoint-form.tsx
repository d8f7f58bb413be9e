import type { FC } from "hono/jsx";
import { FORMATS, METHODS, SCHEMES } from "../../../contracts/wire";
import { Read, SelectField, TextArea, TextField, Token } from "../../components/form";
import { Card } from "../../components/parts";
import type { Endpoint } from "../../components/pills";
import { PreviewPane } from "../../components/preview";
import type { FieldErrors } from "../../errors";
import { FilterBuilder } from "../../forms/builder";
import type { Held } from "../../forms/held";
import { HeldCard } from "../../forms/held-pane";
import type { Preview } from "../../preview";
import type { Site } from "../../site";
import type { Fields } from "../catalog/known-fields";
import { MoreTypes } from "../catalog/types";
import { EventsField, type OfferedType, ProfileField, withDefault } from "./endpoint-fields";
import { type EndpointValues, NO_RETRIES } from "./endpoint-values";

const Advanced: FC<{ values: EndpointValues; errors: FieldErrors; isNew: boolean }> = ({ values, errors, isNew }) => {
  const open = errors.some(
    ({ path }) => !["url", "name", "events", "filter", "description"].includes(path.split(".")[0] ?? ""),
  );
  return (
    <details open={open}>
      <summary>More: format, signature, headers, retries, limits</summary>
      <div class="columns fields">
        <SelectField
          name="format"
          label="Body format"
          value={values.format}
          options={withDefault(FORMATS)}
          errors={errors}
        />
        <SelectField
          name="scheme"
          path="signature.scheme"
          label="Signature"
          value={values.scheme}
          options={withDefault(SCHEMES)}
          errors={errors}
        />
        <TextField
          name="header"
          path="signature.header"
          label="Signature header"
          value={values.header}
          errors={errors}
          placeholder="as the scheme has it"
        />
        <SelectField
          name="method"
          label="Method"
          value={values.method}
          options={withDefault(METHODS)}
          errors={errors}
        />
        <TextField
          name="retry"
          label="Retry delays"
          value={values.retry}
          errors={errors}
          placeholder="as the profile has them"
          hint={`Up to 20, such as 30 s, 2 m, 1 h. ${NO_RETRIES}: it is tried once.`}
        />
        <TextField
          name="timeout"
          label="Timeout"
          value={values.timeout}
          errors={errors}
          placeholder="10 s"
          hint="1 s to 30 s."
        />
        <TextField
          name="disableAfter"
          label="Disable after"
          value={values.disableAfter}
          errors={errors}
          placeholder="7 d"
          hint="So long of failures, such as 7 d or 36 h; 0: never."
        />
        <TextField
          name="rateLimit"
          label="Rate limit"
          type="number"
          min={1}
          max={1000}
          value={values.rateLimit}
          errors={errors}
          placeholder="none"
          hint="Requests per second."
        />
        <TextField
          name="uid"
          label="Your own id"
          value={values.uid}
          errors={errors}
          hint="Unique; accepted wherever the endpoint's id is."
        />
        {isNew ? (
          <TextField
            name="secret"
            label="Secret"
            value={values.secret}
            errors={errors}
            placeholder="made for you"
            hint="Only if the receiver has one already: 8 to 256 characters."
          />
        ) : null}
      </div>
      <TextArea
        name="headers"
        label="Headers of its own"
        rows={2}
        code
        value={values.headers}
        errors={errors}
        placeholder="Authorization: Bearer …"
        hint="One per line. Values are encrypted, and shown as ***; leave *** to keep a value."
      />
      <TextArea
        name="metadata"
        label="Metadata"
        rows={2}
        code
        value={values.metadata}
        errors={errors}
        placeholder="team: sales"
        hint={'One per line; for your own use. Where a name has a colon: "crm:id": "42".'}
      />
      <TextArea name="description" label="Description" rows={2} value={values.description} errors={errors} />
    </details>
  );
};

/** An endpoint's form with a sample request beside it. `action`: where it is sent; `tryAt`: where it is tried. */
export const EndpointForm: FC<{
  site: Site;
  action: string;
  tryAt: string;
  values: EndpointValues;
  types: readonly OfferedType[];
  /** Whether there are more types than these. */
  more: boolean;
  /** What a filter may ask about. */
  fields: Fields;
  errors: FieldErrors;
  preview: Preview | null;
  held: Held | null;
  isNew: boolean;
  /** What it is rendered from; absent: there is no endpoint yet. */
  read?: Endpoint;
  cancel: string;
}> = ({ site, action, tryAt, values, types, more, fields, errors, preview, held, isNew, read, cancel }) => (
  <form method="post" action={action}>
    <Token visit={site} />
    <Read of={read} />
    <div class="split">
      <div>
        <Card>
          <TextField
            name="url"
            label="URL"
            type="url"
            required
            value={values.url}
            errors={errors}
            placeholder="https://crm.example.com/webhooks"
            hint="https, on port 443 or 8443, at a public host name."
          />
          <TextField name="name" label="Name" value={values.name} errors={errors} placeholder="CRM, production" />
          <ProfileField values={values} errors={errors} />
          <EventsField values={values} types={types} errors={errors} />
          <MoreTypes types={types} more={more} />
          <FilterBuilder
            name="filter"
            label="Filter"
            action={action}
            values={values.filter}
            fields={fields.events}
            errors={errors}
            hint="Only events that pass it are sent; without conditions all of these types. Fields begin at event, data, tenant or timestamp."
          />
          <Advanced values={values} errors={errors} isNew={isNew} />
          {isNew ? (
            <label class="check">
              <input type="checkbox" name="enabled" value="yes" checked={values.enabled} /> Enable it at once. Without,
              it begins disabled and its deliveries are held.
            </label>
          ) : null}
          <div class="form-end">
            <button type="submit" class="primary">
              {isNew ? "Create the endpoint" : "Save"}
            </button>
            <a href={cancel}>Cancel</a>
          </div>
        </Card>
      </div>
      <div class="aside">
        <Card title="Try it on a sample">
          <SelectField
            name="sampleEvent"
            label="Sample of"
            value={preview?.event ?? types[0]?.name ?? ""}
            options={types.map(({ name }): [string, string] => [name, name])}
          />
          <TextArea
            name="sampleData"
            label="Data of your own"
            rows={2}
            code
            value={preview?.own ? preview.data : ""}
            placeholder="empty: the type's sample"
          />
          <button
            type="submit"
            formaction={tryAt}
            formnovalidate
            hx-post={tryAt}
            hx-target="#preview"
            hx-trigger="click, change from:closest form delay:300ms"
            hx-include="closest form"
            hx-indicator="#preview"
          >
            Preview
          </button>
          <div id="preview" class="waits" aria-live="polite">
            <PreviewPane preview={preview} />
          </div>
        </Card>
        <HeldCard action={action} events={fields.at} held={held} atOnce={!isNew} verb="would have been for it" />
      </div>
    </div>
  </form>
);
