import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Answered, call } from "../api";
import { type Operation, operationsOf, theDocument } from "./operations";
import { newKey, newWorld, pathIn, type World } from "./world";

const ROLES = ["admin", "producer", "viewer"];

/** Who may do what besides the operator, who may do everything. An operation that is not here fails the suite. */
const MAY: Record<string, string> = {
  createTenant: "",
  listTenants: "",
  putTenant: "",
  getTenant: "admin viewer",
  updateTenant: "",
  deleteTenant: "",
  createKey: "admin",
  listKeys: "admin",
  deleteKey: "admin",
  createPortalLink: "admin",
  listPortalLinks: "admin",
  getPortalLink: "admin",
  deletePortalLink: "admin",
  listAudit: "",
  createEndpoint: "admin",
  listEndpoints: "admin viewer",
  getEndpoint: "admin viewer",
  updateEndpoint: "admin",
  deleteEndpoint: "admin",
  getEndpointHealth: "admin viewer",
  sendTest: "admin",
  recoverDeliveries: "admin",
  getSecret: "admin",
  rotateSecret: "admin",
  promoteSecret: "admin",
  resealSecrets: "",
  listEndpointDeliveries: "admin viewer",
  getDelivery: "admin viewer",
  resendDelivery: "admin",
  listDeliveries: "admin viewer",
  getStats: "admin viewer",
  postEvent: "admin producer",
  postEvents: "admin producer",
  listEvents: "admin viewer",
  getEvent: "admin viewer",
  replayEvent: "admin",
  explainEvent: "admin viewer",
  eraseEventContent: "admin",
  createSegment: "admin",
  listSegments: "admin viewer",
  getSegment: "admin viewer",
  updateSegment: "admin",
  deleteSegment: "admin",
  createAutomation: "admin",
  listAutomations: "admin viewer",
  getAutomation: "admin viewer",
  updateAutomation: "admin",
  deleteAutomation: "admin",
  createSignal: "admin",
  listSignals: "admin viewer",
  getSignal: "admin viewer",
  updateSignal: "admin",
  deleteSignal: "admin",
  testSignals: "admin viewer",
  installSignals: "admin",
  createList: "admin",
  listLists: "admin viewer",
  getList: "admin viewer",
  updateList: "admin",
  deleteList: "admin",
  putListItem: "admin",
  deleteListItem: "admin",
  postObservation: "admin producer",
  postObservations: "admin producer",
  listEventTypes: "admin producer viewer",
  getEventType: "admin producer viewer",
  putEventType: "",
  updateEventType: "",
  deleteEventType: "",
  previewCatalog: "admin producer viewer",
  installCatalog: "",
};

const operations = operationsOf(await theDocument())
  .filter(({ path }) => path.startsWith("/v1/"))
  .toSorted((a, b) => rank(a) - rank(b));

/** Deletions come last, and of these the innermost first: each role still finds what it asks for. */
function rank({ method, path }: Operation): number {
  return method === "DELETE" ? 100 - path.length / 100 : 0;
}

/** Does an operation with the example of the document. */
function perform(operation: Operation, path: string, key: string): Promise<Answered> {
  const query = operation.parameters.some(({ name }) => name === "dryRun") ? "?dryRun=true" : "";
  return call(operation.method, path + query, operation.body?.example, { Authorization: `Bearer ${key}` });
}

/** The operations as `METHOD path` that were not answered as they should be, and how they were. */
type Surprises = string[];
const surprise = ({ id, method, path }: Operation, answer: Answered) =>
  `${id} (${method} ${path}): ${answer.status} ${answer.text.slice(0, 200)}`;

describe("the table of permissions", () => {
  it("has a row for every operation, and no other", ({ expect }) => {
    expect(operations.map(({ id }) => id).toSorted()).toEqual(Object.keys(MAY).toSorted());
  });
});

describe("a key in its own tenant", () => {
  it.for(["operator", ...ROLES])(
    "of the role %s may do what the table says, and nothing else",
    async (role, { expect }) => {
      const world = await newWorld();
      const key = role === "operator" ? (env.OPERATOR_KEY ?? "") : await newKey(world.tenant ?? "", role);
      const surprises: Surprises = [];
      for (const operation of operations) {
        const answer = await perform(operation, pathIn(world, operation), key);
        const may = role === "operator" || MAY[operation.id]?.split(" ").includes(role) === true;
        const fine = may ? answer.status < 500 && ![401, 403, 404].includes(answer.status) : answer.status === 403;
        if (!fine) surprises.push(surprise(operation, answer));
      }
      expect(surprises).toEqual([]);
    },
  );
});

describe("another tenant's things", () => {
  const named = operations.filter(({ path }) => path.includes("{tenant}"));

  it.for(ROLES)("are not there for a key of the role %s, and stay as they are", async (role, { expect }) => {
    const [own, other] = await Promise.all([newWorld(), newWorld()]);
    const key = await newKey(own.tenant ?? "", role);
    const before = await everything(other);
    const surprises: Surprises = [];
    for (const operation of named) {
      const answer = await perform(operation, pathIn(other, operation), key);
      if (answer.status !== 404) surprises.push(surprise(operation, answer));
    }
    expect(surprises).toEqual([]);
    expect(await everything(other)).toEqual(before);
  });

  it.for(["operator", ...ROLES])("are not there under one's own tenant, for %s", async (role, { expect }) => {
    const [own, other] = await Promise.all([newWorld(), newWorld()]);
    const tenant = own.tenant ?? "";
    const key = role === "operator" ? (env.OPERATOR_KEY ?? "") : await newKey(tenant, role);
    const before = await everything(other);
    const surprises: Surprises = [];
    // A vendor's catalog is nobody's.
    for (const operation of named.filter(({ path }) => /\{tenant\}\/.*\{(?!profile)/.test(path))) {
      const answer = await perform(operation, pathIn({ ...other, tenant }, operation), key);
      const may = role === "operator" || MAY[operation.id]?.split(" ").includes(role) === true;
      if (answer.status !== (may ? 404 : 403)) surprises.push(surprise(operation, answer));
    }
    expect(surprises).toEqual([]);
    expect(await everything(other)).toEqual(before);
  });
});

/** What the operator reads of a world, but for what moves by itself. */
async function everything(world: World): Promise<string[]> {
  const reads = operations.filter(({ method, path }) => method === "GET" && path.includes("{tenant}"));
  const still = reads.filter(({ id }) => !/Deliver|Health|Stats|Event$|explain/.test(id));
  const answers = await Promise.all(still.map((operation) => call("GET", pathIn(world, operation))));
  return answers.map(({ status, text }) => `${status} ${text}`);
}
