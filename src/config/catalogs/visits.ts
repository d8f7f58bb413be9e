import { type CatalogType, object, text, time } from "./fields";

const schema = object({
  id: text("The visit's id."),
  url: text("The page where the visit began."),
  "params?": {
    type: "object",
    description: "The page's query parameters, such as utm_source.",
    additionalProperties: { type: "string" },
  },
  "referrer?": text("Where the visitor came from."),
  date: time("When the visit began."),
  "ip?": text("The visitor's IP address."),
  visitor: object(
    {
      id: text("The visitor's id."),
      firstSeen: time("When the visitor was first seen."),
      "company?": object({ "name?": text("Its name."), "domain?": text("Its domain.") }, "The visitor's company."),
    },
    "Who visited.",
  ),
  "location?": object(
    { "country?": text("Country."), "city?": text("City."), "state?": text("State or region.") },
    "Where the visitor was.",
  ),
  "trafficSource?": object(
    { "channel?": text("Kind of source."), "source?": text("The source."), "campaign?": text("The campaign.") },
    "What brought the visitor.",
  ),
  "device?": object(
    {
      "model?": text("Model."),
      "os?": text("Operating system."),
      "gpu?": text("Graphics processor."),
      "hardwareConcurrency?": text("Number of processor threads, as text."),
    },
    "The device.",
  ),
  "browser?": object({ "name?": text("Name."), "version?": text("Version."), "vendor?": text("Vendor.") }),
  "timezone?": text("The visitor's time zone, as the tz database names it."),
  "screen?": object(
    {
      "height?": text("Height in pixels, as text."),
      "width?": text("Width in pixels, as text."),
      "touch?": text('Whether it can be touched: "true" or "false".'),
    },
    "The screen; its values are texts.",
  ),
});

const visit = {
  id: "unique_visit_id",
  url: "https://example.com/entry-point",
  params: { utm_source: "newsletter", utm_medium: "email", utm_campaign: "spring_sale" },
  referrer: "https://google.com",
  date: "2024-12-22T14:30:00Z",
  ip: "192.168.1.1",
  visitor: {
    id: "unique_visitor_id",
    firstSeen: "2023-01-01T12:00:00Z",
    company: { name: "Example Corp", domain: "example.com" },
  },
  location: { country: "United States", city: "San Francisco", state: "California" },
  trafficSource: { channel: "Organic Search", source: "Google", campaign: "Holiday Campaign" },
  device: { model: "iPhone 14", os: "iOS 17", gpu: "Apple GPU", hardwareConcurrency: "6" },
  browser: { name: "Safari", version: "17.0", vendor: "Apple" },
  timezone: "America/Los_Angeles",
  screen: { height: "2532", width: "1170", touch: "true" },
};

/** The events of visits. Their bodies are the data itself. */
export const visits: CatalogType[] = [
  {
    name: "NEW_VISIT",
    title: "New visit",
    description: "A visit was recorded, whoever made it.",
    group: "Visitors",
    schema,
    sample: visit,
  },
  {
    name: "NEW_VISITOR",
    title: "New visitor",
    description: "Somebody who had not been seen before made a first visit.",
    group: "Visitors",
    schema,
    sample: { ...visit, visitor: { ...visit.visitor, firstSeen: visit.date } },
  },
];
