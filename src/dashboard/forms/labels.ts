/** The fields of forms as these call them, by what the API calls them. A field that is called otherwise somewhere says so. */
const LABELS: Readonly<Record<string, string>> = {
  attach: "Add the value before as",
  code: "Code",
  data: "Data",
  description: "Description",
  disableAfter: "Disable after",
  emit: "Emits the event",
  enforce: "Enforce the schema",
  entity: "Entity",
  event: "Event type",
  events: "Events",
  expiresIn: "Lasts",
  filter: "Filter",
  format: "Body format",
  group: "Group",
  headers: "Headers of its own",
  id: "Id",
  item: "Item",
  items: "Items",
  metadata: "Metadata",
  method: "Method",
  name: "Name",
  observations: "Observations to try it on",
  overlap: "Overlap",
  path: "Opens at",
  profile: "Profile",
  rateLimit: "Rate limit",
  retry: "Retry delays",
  role: "Role",
  sample: "Sample",
  schema: "Schema",
  secret: "Secret",
  segment: "And it is in the segment",
  signature: "Signature",
  "signature.header": "Signature header",
  since: "Since",
  status: "Status",
  timeout: "Timeout",
  title: "Title",
  trigger: "When this event comes",
  uid: "Your own id",
  until: "Until",
  url: "URL",
  when: "Fires when",
  "when.changesBy.atLeast": "By at least",
  "when.changesBy.path": "Path of what moves",
  "when.crosses.path": "Path of the value",
  "when.crosses.threshold": "Threshold",
  "when.inList": "List",
  "when.returnsAfter": "After a silence of",
};

/**
 * What a form calls a path of the API, and what of the path lies in that field. `label` is empty for what no form has.
 * `own`: labels of the form's own. Pure.
 */
export function labelOf(path: string, own: Readonly<Record<string, string>> = {}): { label: string; rest: string } {
  const [, action, rest = ""] = /^actions(?:\.(\d+)(?:\.(.*))?)?$/.exec(path) ?? [];
  if (path.startsWith("actions"))
    return { label: action === undefined ? "Action" : `Action ${Number(action) + 1}`, rest };
  const keys = path.split(".");
  for (let length = keys.length; length > 0; length--) {
    const label = { ...LABELS, ...own }[keys.slice(0, length).join(".")];
    // A row's place says itself at the row.
    if (label !== undefined) return { label, rest: keys.slice(length).join(".").replace(/^#.*/, "") };
  }
  return { label: "", rest: path };
}
