import { resourcePages } from "../../resource-pages";
import { tenantPath } from "../../site";
import {
  type Automation,
  AutomationForm,
  type AutomationValues,
  automationIn,
  type Choices,
  choicesFor,
  NEW,
  newRuleLink,
  Said,
} from "./automation-form";

/** Automations. */
export const { pages: automationPages } = resourcePages<Automation, AutomationValues, Choices>({
  path: "automations",
  one: "automation",
  title: "Automations",
  about: "A trigger event, within a segment if it names one, and what is done with it.",
  empty: {
    icon: "bolt",
    text: "They deliver an event to an endpoint that does not subscribe to it, or reveal its contacts.",
  },
  head: newRuleLink,
  columns: (c, choices) => [
    { name: "Name", class: "main-cell", cell: ({ name }) => name },
    {
      name: "When",
      cell: ({ trigger, segment }) => (
        <>
          <code>{trigger}</code>
          {segment === null ? null : ` in ${choices.segments.get(segment) ?? segment}`}
        </>
      ),
    },
    {
      name: "Then",
      cell: ({ actions }) => (
        <ul class="plain">
          {actions.map((action) => (
            <Said endpoints={tenantPath(c, "endpoints")} action={action} choices={choices} />
          ))}
        </ul>
      ),
    },
  ],
  asks: ({ name }) => `Delete the automation ${name}?`,
  refused: { create: "The automation was not created.", change: "The automation was not changed." },
  fresh: NEW,
  valuesIn: automationIn,
  valuesOf: (automation) => automation,
  bodyOf: (values) => ({ ...values }),
  form: AutomationForm,
  choices: choicesFor,
});
