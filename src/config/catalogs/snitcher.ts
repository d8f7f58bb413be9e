import type { JsonObject } from "../../lib/json/json-schema";
import { type CatalogType, integer, link, list, nullable, number, object, text } from "./fields";

const profile = object({ handle: nullable(text("Name there.")), url: nullable(text("Address there.")) });

const company = object(
  {
    name: text("Its name."),
    domain: text("Its domain."),
    "website?": nullable(link("Its website.")),
    "industry?": nullable(text("Its line of business.")),
    "founded_year?": nullable(text("The year it was founded, as text.")),
    "employee_range?": nullable(text("Its number of employees as a range.")),
    "annual_revenue?": nullable(number("Its yearly revenue.")),
    "total_funding?": nullable(number("The funding it has received.")),
    "location?": nullable(text("Its address in one line.")),
    "description?": nullable(text("What it does.")),
    "phone?": nullable(text("Telephone number.")),
    "geo?": object(
      {
        "country?": nullable(text("Country.")),
        "country_code?": nullable(text("Country, two letters.")),
        "state?": nullable(text("State or region.")),
        "state_code?": nullable(text("State or region, short.")),
        "postal_code?": nullable(text("Postal code.")),
        "city?": nullable(text("City.")),
        "street?": nullable(text("Street.")),
        "street_number?": nullable(text("Number in the street, as text.")),
      },
      "Its address in parts.",
    ),
    "profiles?": {
      type: "object",
      description: "Its profiles elsewhere, by site.",
      additionalProperties: profile,
    },
  },
  "The company.",
);

const session = object({
  started_at: text("When the session began, UTC, as `2024-05-15 10:55:50`."),
  "source?": nullable(text("Where the visitor came from.")),
  "browser?": nullable(text("Browser.")),
  "device_type?": nullable(text("Kind of device.")),
  "operating_system?": nullable(text("Operating system.")),
  pageviews: list(
    object({
      url: text("The page."),
      host: text("Its host."),
      path: text("Its path."),
      "time_spent?": nullable(integer("How long it was looked at, in seconds.")),
      visited_at: text("When it was opened, UTC."),
    }),
    "The pages seen.",
  ),
  "total_duration?": nullable(integer("Length of the session in seconds.")),
  "location?": object(
    {
      "city?": nullable(text("City.")),
      "country_code?": nullable(text("Country, two letters.")),
      "region?": nullable(text("Region.")),
      "latitude?": nullable(number("Latitude.")),
      "longitude?": nullable(number("Longitude.")),
    },
    "Where the visitor was.",
  ),
});

const lead = object({
  id: integer("The lead's id."),
  first_seen: text("When the company was first seen."),
  last_seen: text("When the company was last seen."),
  company,
  recent_sessions: list(session, "The latest sessions, newest first."),
});

const contact = object({
  first_name: text("First name."),
  last_name: text("Last name."),
  "headline?": nullable(text("How the contact presents themself.")),
  "linkedin_url?": nullable(text("Page on LinkedIn.")),
  email: nullable(text("The address that was revealed.")),
  "title?": nullable(text("Position in the company.")),
  "location?": nullable(text("Where the contact is.")),
  company,
});

/** `data` is one subject or the list of them; the body has the list either way. */
function oneOrMore(subject: JsonObject): JsonObject {
  return {
    $defs: { subject },
    if: { type: "array" },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { type: "array", items: { $ref: "#/$defs/subject" } },
    else: { $ref: "#/$defs/subject" },
  };
}

/** A site's profile, or that there is none. */
const at = (url: string, handle: string) => ({ handle, url: `${url}/${handle}` });
const nowhere = { handle: null, url: null };

const netcontrol = {
  name: "Netcontrol Group",
  domain: "netcontrol.com",
  website: "https://netcontrol.com",
  industry: "Machinery",
  founded_year: "1991",
  employee_range: "51-200 employees",
  annual_revenue: null,
  total_funding: null,
  location: "Karvaamokuja 3, 00380 Helsinki, Finland",
  description: "Control and automation systems for electric utilities and district heating.",
  geo: {
    country: "Finland",
    country_code: "FI",
    state: "Uusimaa",
    state_code: "Uusimaa",
    postal_code: "00380",
    city: "Helsinki",
    street: "Karvaamokuja",
    street_number: "3",
  },
  profiles: {
    crunchbase: at("https://crunchbase.com/organization", "netcontrol"),
    linkedin: at("https://linkedin.com/companies", "netcontrol-oy"),
    facebook: nowhere,
    twitter: at("https://twitter.com", "NetcontrolGroup"),
    instagram: nowhere,
    youtube: nowhere,
  },
};

const mdx = {
  name: "MDX Technology Limited",
  domain: "mdxtechnology.com",
  website: "https://mdxtechnology.com",
  industry: "Financial Services",
  founded_year: "2010",
  employee_range: "11-50 employees",
  annual_revenue: 7867000,
  total_funding: null,
  location: "14 Hewett St, London EC2A 3NP, UK",
  description: "A codeless workflow platform for financial institutions.",
  phone: "+44 20 7469 2610",
  geo: {
    country: "United Kingdom of Great Britain and Northern Ireland",
    country_code: "GB",
    state: "England",
    state_code: "England",
    postal_code: "EC2A 3NP",
    city: "London",
    street: "Hewett Street",
    street_number: "14",
  },
  profiles: {
    crunchbase: at("https://crunchbase.com/organization", "mdx-technology"),
    linkedin: at("https://linkedin.com/companies", "mdx-technology-limited"),
    facebook: nowhere,
    twitter: at("https://twitter.com", "MDXTechnology"),
    instagram: nowhere,
    youtube: nowhere,
  },
};

const firstSession = {
  started_at: "2024-05-15 10:55:50",
  source: "https://www.google.com/",
  browser: "Safari",
  device_type: "desktop",
  operating_system: "Mac OS",
  pageviews: [
    {
      url: "https://www.snitcher.com/snitcher-vs-leadforensics?utm_source=google&utm_medium=cpc",
      host: "www.snitcher.com",
      path: "/snitcher-vs-leadforensics?utm_source=google&utm_medium=cpc",
      time_spent: 14,
      visited_at: "2024-05-15 10:55:50",
    },
  ],
  total_duration: 14,
  location: {
    city: "Lahti",
    country_code: "FI",
    region: "Etela-Pohjanmaa",
    latitude: 63.216671,
    longitude: 22.85,
  },
};

const nextSession = {
  ...firstSession,
  started_at: "2024-05-17 08:12:03",
  pageviews: [
    {
      url: "https://www.snitcher.com/pricing",
      host: "www.snitcher.com",
      path: "/pricing",
      time_spent: 52,
      visited_at: "2024-05-17 08:12:03",
    },
  ],
  total_duration: 52,
};

const firstSeen = { id: 31519477, first_seen: "2024-05-15T10:55:50.000000Z" };

/** Snitcher's events, set off by its automations. */
export const snitcher: CatalogType[] = [
  {
    name: "new_lead",
    title: "New lead",
    description: "A company visited for the first time and became a lead, with its company data and first sessions.",
    group: "Leads",
    schema: oneOrMore(lead),
    sample: {
      ...firstSeen,
      last_seen: "2024-05-15T10:55:50.000000Z",
      company: netcontrol,
      recent_sessions: [firstSession],
    },
  },
  {
    name: "new_session",
    title: "New session",
    description: "A company that is a lead began another session; it comes first among the recent ones.",
    group: "Visitors",
    schema: oneOrMore(lead),
    sample: {
      ...firstSeen,
      last_seen: "2024-05-17T08:12:03.000000Z",
      company: netcontrol,
      recent_sessions: [nextSession, firstSession],
    },
  },
  {
    name: "contact_revealed",
    title: "Contacts revealed",
    description:
      "An automation revealed contacts of a company. The vendor's page has two names for it: its list of events says " +
      "`contact_revealed`, which is the rule here, while the `event` of its sample body says `contacts.revealed`.",
    group: "Contacts",
    schema: oneOrMore(contact),
    sample: [
      {
        first_name: "John",
        last_name: "Doe",
        headline: "VP, Sales at MDX Technology",
        linkedin_url: "http://www.linkedin.com/in/john-doe",
        email: "john.doe@mdxtechnology.com",
        title: "VP, Sales",
        location: "London, England, United Kingdom",
        company: mdx,
      },
    ],
  },
];
