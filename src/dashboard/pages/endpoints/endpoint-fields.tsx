import type { FC } from "hono/jsx";
import { PROFILES, type Profile } from "../../../config/endpoints/profiles";
import { schemeOf } from "../../../config/endpoints/schemes";
import { TextField } from "../../components/form";
import type { EventType } from "../../components/pills";
import { duration } from "../../components/time";
import { type FieldErrors, messagesOf } from "../../errors";
import type { EndpointValues } from "./endpoint-values";

/** A profile in a line. */
function aboutProfile({ format, signature, retry }: Profile): string {
  const scheme = schemeOf(signature.scheme);
  const header = signature.header ?? scheme?.header ?? "no header";
  return `${format} body · ${header} · ${retry.length} retries over ${duration(retry.reduce((sum, delay) => sum + delay, 0))}`;
}

export const ProfileField: FC<{ values: EndpointValues; errors: FieldErrors }> = ({ values, errors }) => (
  <fieldset>
    <legend>Profile: the form that its receiver expects</legend>
    <div class="choices">
      {Object.entries(PROFILES).map(([name, profile]) => (
        <label class="choice">
          <input type="radio" name="profile" value={name} checked={name === values.profile} />
          <span>
            {name}
            <small>{aboutProfile(profile)}</small>
          </span>
        </label>
      ))}
    </div>
    <Wrong errors={errors} field="profile" />
  </fieldset>
);

const Wrong: FC<{ errors: FieldErrors; field: string }> = ({ errors, field }) => {
  const messages = messagesOf(errors, field);
  return messages.length === 0 ? null : <p class="wrong">{messages.join("; ")}</p>;
};

/** What is offered of an event type. */
export type OfferedType = Pick<EventType, "name" | "title" | "group" | "highVolume" | "deprecated">;

/** The types by their groups, in the order of these. */
function groupsOf(types: readonly OfferedType[]): [group: string, members: OfferedType[]][] {
  const groups = new Map<string, OfferedType[]>();
  for (const type of types) groups.set(type.group ?? "", [...(groups.get(type.group ?? "") ?? []), type]);
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export const EventsField: FC<{ values: EndpointValues; types: readonly OfferedType[]; errors: FieldErrors }> = ({
  values,
  types,
  errors,
}) => (
  <fieldset>
    <legend>Events</legend>
    <div class="choices">
      <label class="choice">
        <input type="checkbox" name="events" value="*" checked={values.events.includes("*")} data-high />
        <span>
          All events
          <small>also of types that are still to come</small>
        </span>
      </label>
    </div>
    {groupsOf(types).map(([group, members]) => (
      <>
        {group === "" ? <p class="event-group" /> : <p class="event-group">{group}</p>}
        <div class="choices">
          {members.map(({ name, title, highVolume, deprecated }) => (
            <label class="choice">
              <input
                type="checkbox"
                name="events"
                value={name}
                checked={values.events.includes(name)}
                {...(highVolume ? { "data-high": "" } : {})}
              />
              <span>
                {name}
                {highVolume ? <span class="tag warn">high volume</span> : null}
                {deprecated ? <span class="tag">deprecated</span> : null}
                {title === null ? null : <small>{title}</small>}
              </span>
            </label>
          ))}
        </div>
      </>
    ))}
    <p class="notice warn high-warning">
      <strong>High volume.</strong> Some of these events can come many times a second. Make sure that the receiver
      answers fast, or narrow them with a filter.
    </p>
    <Wrong errors={errors} field="events" />
    <TextField
      name="moreEvents"
      label="Other types"
      value={values.moreEvents}
      placeholder="order.paid, order.refunded"
      hint="Types need not be registered. Commas between them."
    />
  </fieldset>
);

export function withDefault(names: readonly string[]): [string, string][] {
  return [["", "as the profile has it"], ...names.map((name): [string, string] => [name, name])];
}
