import { type CatalogType, integer, number, object, text } from "./fields";

const visitor_id = text("The visitor's id.");
const email = { type: "string", format: "email", description: "The visitor's address." };

const company = object(
  {
    name: text("Its name."),
    "domain?": text("Its domain."),
    "industry?": text("Its line of business."),
    "size?": text("Its number of employees as a range."),
    "revenue?": text("Its yearly revenue as a range."),
    "location?": text("City and region of its seat."),
  },
  "The company that the visitor belongs to.",
);

const engagement = object(
  {
    "pages_viewed?": integer("Pages seen in this session."),
    "messages_sent?": integer("Chat messages written in this session."),
    "current_url?": text("The page open at this moment."),
  },
  "What the visitor has done so far.",
);

const enterprise_score = number("How much the company looks like an enterprise buyer, 0-100.");

const acme = {
  name: "Acme Corp",
  domain: "acme.com",
  industry: "Software",
  size: "201-500",
  revenue: "$50M-$100M",
  location: "San Francisco, CA",
};

/** Clarm's events: what visitors do, and who they turn out to be. */
export const clarm: CatalogType[] = [
  {
    name: "purchase",
    title: "Purchase",
    description: "A payment or another conversion was tracked.",
    group: "Conversions",
    schema: object({
      visitor_id,
      "email?": email,
      amount: number("What was paid, in units of the currency."),
      currency: text("The currency, three letters."),
      "plan?": text("The plan that was bought."),
    }),
    sample: { visitor_id: "v_abc123", email: "jane@acme.com", amount: 299, currency: "USD", plan: "growth" },
  },
  {
    name: "identify",
    title: "Visitor identified",
    description: "A visitor became known by an address or a name.",
    group: "Visitors",
    schema: object({ visitor_id, "email?": email, "name?": text("The visitor's name.") }),
    sample: { visitor_id: "v_abc123", email: "jane@acme.com", name: "Jane Doe" },
  },
  {
    name: "goal_achieved",
    title: "Goal achieved",
    description: "A visitor completed a goal that the account has defined.",
    group: "Conversions",
    schema: object({
      visitor_id,
      "email?": email,
      goal: text("The goal's name."),
      "current_url?": text("The page where it was completed."),
    }),
    sample: {
      visitor_id: "v_abc123",
      email: "jane@acme.com",
      goal: "demo_booked",
      current_url: "https://example.com/demo",
    },
  },
  {
    name: "enterprise_alert",
    title: "Enterprise buyer",
    description: "The analysis of a visitor's behaviour points to a buyer from an enterprise.",
    group: "Leads",
    schema: object({ visitor_id, "email?": email, "company?": company, enterprise_score, "engagement?": engagement }),
    sample: {
      visitor_id: "v_abc123",
      email: "jane@acme.com",
      company: acme,
      enterprise_score: 75,
      engagement: { pages_viewed: 5, messages_sent: 3, current_url: "https://example.com/pricing" },
    },
  },
  {
    name: "visitor_enriched",
    title: "Visitor's company found",
    description: "Enrichment by IP address found a visitor's company for the first time.",
    group: "Visitors",
    schema: object({
      visitor_id,
      company,
      "enterprise_score?": enterprise_score,
      "enrichment_source?": text("Where the company's data came from."),
    }),
    sample: { visitor_id: "v_abc123", company: acme, enterprise_score: 75, enrichment_source: "peopledatalabs" },
  },
  {
    name: "high_intent_visitor",
    title: "High intent",
    description: "A visitor's intent score, made from behaviour, reached the threshold of 70.",
    group: "Leads",
    schema: object({
      visitor_id,
      intent_score: number("The intent score, 0-100."),
      "company?": company,
      "engagement?": engagement,
    }),
    sample: {
      visitor_id: "v_abc123",
      intent_score: 82,
      company: { name: "Acme Corp", industry: "Software", size: "201-500" },
      engagement: { pages_viewed: 5, messages_sent: 3, current_url: "https://example.com/pricing" },
    },
  },
];
