import { type CatalogType, integer, nullable, object, text } from "./fields";

/** The finder's event. Its body is the data itself. */
export const finder: CatalogType[] = [
  {
    name: "save_lead",
    title: "Lead saved",
    description: "A lead was saved: a new one, or one that was there and has changed.",
    group: "Leads",
    schema: object({
      email: text("The lead's address."),
      website: text("The website it was found on."),
      company: nullable(text("Name of the company.")),
      first_name: nullable(text("First name.")),
      last_name: nullable(text("Last name.")),
      phone: nullable(text("Telephone number.")),
      position: nullable(text("Position in the company.")),
      twitter: nullable(text("Handle on Twitter.")),
      linkedin: nullable(text("Address of the profile on LinkedIn.")),
      notes: nullable(text("What was noted about the lead.")),
      score: integer("The lead's score."),
    }),
    sample: {
      email: "jane@acme.com",
      website: "https://acme.com",
      company: "Acme Corp",
      first_name: "Jane",
      last_name: "Doe",
      phone: "+1 415 555 0134",
      position: "VP Marketing",
      twitter: "janedoe",
      linkedin: "https://linkedin.com/in/jane-doe",
      notes: null,
      score: 87,
    },
  },
];
