import { type CatalogType, integer, link, number, object, text, time } from "./fields";

const company = object(
  {
    id: text("The company's id."),
    name: text("Its name."),
    domain: text("Its domain, which also tells one company from another."),
    "industry?": text("Its line of business."),
    "size?": text("Its number of employees as a range, such as 51-200."),
    "city?": text("City of its seat."),
    "region?": text("Region or state of its seat."),
    "country?": text("Country of its seat, two letters."),
    "logoUrl?": link("Its logo."),
    "linkedinUrl?": link("Its page on LinkedIn."),
    "employeeCount?": integer("Its number of employees."),
    "revenue?": text("Its yearly revenue as a range."),
    "leadScore?": number("Its lead score at the time of the event."),
    "firstSeen?": time("When it was first seen on the site."),
    "lastSeen?": time("When it was last seen on the site."),
    "visitorCount?": integer("How many of its people have been seen."),
  },
  "The company; some events carry only its main fields.",
);

const visitor = object(
  {
    "city?": text("Where the visitor is."),
    "region?": text("Region or state."),
    "country?": text("Country, two letters."),
    "pageUrl?": text("The page that was visited."),
    "referrer?": text("Where the visitor came from."),
  },
  "The visit's surroundings, as far as they are known.",
);

const person = object(
  {
    "name?": text("Full name."),
    "email?": { type: "string", format: "email", description: "Address at work." },
    "title?": text("Position in the company."),
    "linkedinUrl?": link("Page on LinkedIn."),
  },
  "The person behind the visit; only when known.",
);

const acme = {
  id: "comp_a1b2c3d4",
  name: "Acme Corp",
  domain: "acme.com",
  industry: "Technology",
  size: "51-200",
  city: "San Francisco",
  region: "California",
  country: "US",
  logoUrl: "https://logo.clearbit.com/acme.com",
  linkedinUrl: "https://linkedin.com/company/acme",
  employeeCount: 142,
  revenue: "$10M-$50M",
  leadScore: 87,
  firstSeen: "2025-12-15T14:33:12Z",
  lastSeen: "2025-12-15T14:33:12Z",
  visitorCount: 1,
};

const visit = {
  city: "San Francisco",
  region: "California",
  country: "US",
  pageUrl: "/pricing",
  referrer: "https://google.com",
};

/** ClearView's events: companies recognised on a site, and how their interest grows. */
export const clearview: CatalogType[] = [
  {
    name: "company.identified",
    title: "Company identified",
    description: "The IP address of a visit was traced to a company for the first time: once per company.",
    group: "Companies",
    schema: object({ company, "visitor?": visitor }),
    sample: { company: acme, visitor: visit },
  },
  {
    name: "lead.hot",
    title: "Lead turned hot",
    description: "A company's lead score reached the threshold for hot leads, which is 70 unless it was changed.",
    group: "Leads",
    schema: object({ company, "visitor?": visitor }),
    sample: {
      company: { ...acme, leadScore: 73, lastSeen: "2025-12-15T15:20:41Z", visitorCount: 2 },
      visitor: visit,
    },
  },
  {
    name: "lead.score_changed",
    title: "Lead score changed",
    description: "A company's lead score moved by 5 points or more, up or down.",
    group: "Leads",
    schema: object({
      company,
      previousScore: number("The score before."),
      newScore: number("The score now."),
    }),
    sample: {
      company: { id: "comp_a1b2c3d4", name: "Acme Corp", domain: "acme.com", leadScore: 92 },
      previousScore: 78,
      newScore: 92,
    },
  },
  {
    name: "watchlist.hit",
    title: "Watched company on the site",
    description: "Someone from a company on the watch list came to the site; with the person, when known.",
    group: "Companies",
    schema: object({ company, "visitor?": visitor, "person?": person }),
    sample: {
      company: acme,
      visitor: visit,
      person: {
        name: "Jane Doe",
        email: "jane@acme.com",
        title: "VP Marketing",
        linkedinUrl: "https://linkedin.com/in/jane-doe",
      },
    },
  },
  {
    name: "visitor.returning",
    title: "Company came back",
    description: "A company that is known already visited again, after 24 hours or more without a visit.",
    group: "Visitors",
    schema: object({ company, "visitor?": visitor }),
    sample: { company: { ...acme, lastSeen: "2025-12-17T09:12:30Z", visitorCount: 3 }, visitor: visit },
  },
  {
    name: "page_view",
    title: "Page viewed",
    description: "Every single page view that is tracked. There may be very many: subscribe only what can take them.",
    group: "Visitors",
    highVolume: true,
    schema: object({
      company,
      pageView: object(
        {
          url: text("The page's path or URL."),
          "title?": text("Its title."),
          "referrer?": text("The page before."),
          "duration?": number("How long it was looked at, in seconds."),
          timestamp: time("When it was opened."),
        },
        "The page view.",
      ),
    }),
    sample: {
      company: { id: "comp_a1b2c3d4", name: "Acme Corp", domain: "acme.com" },
      pageView: {
        url: "/pricing",
        title: "Pricing - Acme Corp",
        referrer: "https://google.com",
        duration: 45,
        timestamp: "2025-12-15T14:35:00Z",
      },
    },
  },
];
