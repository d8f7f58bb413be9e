/**
 * What the demo shows, as data: the ten profiles, and the event that goes to all of them.
 * @module
 */

/**
 * @typedef {object} Profile
 * @property {string} name
 * @property {boolean} isVendor whether it comes with a catalog of event types, whose samples are sent as well
 * @property {Record<string, unknown>} settings what its endpoint has besides
 * @property {(body: any) => unknown} dataOf where a delivered body carries the event's data
 */

const whole = (body) => body;
const member = (body) => body.data;

/** @type {Profile[]} */
export const PROFILES = [
  { name: "clearview", isVendor: true, settings: { retry: [2, 4, 8] }, dataOf: member },
  { name: "clarm", isVendor: true, settings: {}, dataOf: member },
  { name: "finder", isVendor: true, settings: {}, dataOf: whole },
  { name: "snitcher", isVendor: true, settings: {}, dataOf: (body) => body.subjects },
  { name: "visits", isVendor: true, settings: {}, dataOf: whole },
  { name: "standard", isVendor: false, settings: {}, dataOf: member },
  { name: "svix", isVendor: false, settings: {}, dataOf: whole },
  { name: "cloudevents", isVendor: false, settings: {}, dataOf: member },
  { name: "github", isVendor: false, settings: {}, dataOf: whole },
  { name: "stripe", isVendor: false, settings: {}, dataOf: member },
];

/** The event that goes to every profile. The company is invented; names under `.example` belong to nobody. */
export const FOR_ALL = {
  event: "demo.greeting",
  data: {
    company: {
      name: "Grüne Ähre Großbäckerei", // not ASCII: a signature covers bytes, not characters
      domain: "gruene-aehre.example",
      leadScore: 82,
    },
  },
};

/** The sample whose first attempt is answered with a failure, on purpose. */
export const FAILS_FIRST = { event: "lead.hot", status: 503 };

/** What is sent as a test, to the endpoint of that profile. */
export const TEST_SEND = { profile: "finder", event: "save_lead" };
