import { describe, it } from "vitest";
import type { Answered } from "../lib/api";
import { type Caller, callerOf, IDENTITIES, type Identity } from "./identities";
import { type Operation, operationsOf, theDocument } from "./operations";
import { everythingIn, newWorld, pathIn } from "./world";

const OPERATOR: readonly Identity[] = ["operator"];
const ADMINS: readonly Identity[] = ["operator", "admin"];
/** Who manages endpoints: a portal is for that. */
const MANAGERS: readonly Identity[] = ["operator", "admin", "portal"];
const PRODUCERS: readonly Identity[] = ["operator", "admin", "producer"];
const READERS: readonly Identity[] = ["operator", "admin", "viewer", "portal", "portal-viewer"];
const ANYBODY: readonly Identity[] = IDENTITIES;

/** Who may do what. An operation that is not here fails the suite. */
const MAY: Record<string, readonly Identity[]> = {
  getHealth: ANYBODY,
  createTenant: OPERATOR,
  listTenants: OPERATOR,
  putTenant: OPERATOR,
  getTenant: READERS,
  updateTenant: OPERATOR,
  deleteTenant: OPERATOR,
  createKey: ADMINS,
  listKeys: ADMINS,
  deleteKey: ADMINS,
  createPortalLink: ADMINS,
  listPortalLinks: ADMINS,
  getPortalLink: ADMINS,
  deletePortalLink: ADMINS,
  listAudit: OPERATOR,
  getOverview: OPERATOR,
  listTenantAudit: ADMINS,
  search: OPERATOR,
  searchTenant: READERS,
  createEndpoint: MANAGERS,
  listEndpoints: READERS,
  getEndpoint: READERS,
  updateEndpoint: MANAGERS,
  deleteEndpoint: MANAGERS,
  getEndpointHealth: READERS,
  sendTest: MANAGERS,
  probeEndpoint: MANAGERS,
  recoverDeliveries: MANAGERS,
  listRecoveries: READERS,
  listAllRecoveries: READERS,
  getRecovery: READERS,
  cancelRecovery: MANAGERS,
  getSecret: MANAGERS,
  rotateSecret: MANAGERS,
  promoteSecret: MANAGERS,
  resealSecrets: OPERATOR,
  listEndpointDeliveries: READERS,
  getDelivery: READERS,
  resendDelivery: MANAGERS,
  listDeliveries: READERS,
  getStats: READERS,
  postEvent: PRODUCERS,
  postEvents: PRODUCERS,
  listEvents: READERS,
  getEvent: READERS,
  replayEvent: MANAGERS,
  explainEvent: READERS,
  eraseEventContent: ADMINS,
  createSegment: ADMINS,
  listSegments: READERS,
  getSegment: READERS,
  updateSegment: ADMINS,
  deleteSegment: ADMINS,
  createAutomation: ADMINS,
  listAutomations: READERS,
  getAutomation: READERS,
  updateAutomation: ADMINS,
  deleteAutomation: ADMINS,
  createSignal: ADMINS,
  listSignals: READERS,
  getSignal: READERS,
  updateSignal: ADMINS,
  deleteSignal: ADMINS,
  testSignals: READERS,
  installSignals: ADMINS,
  createList: ADMINS,
  listLists: READERS,
  getList: READERS,
  updateList: ADMINS,
  deleteList: ADMINS,
  putListItem: ADMINS,
  deleteListItem: ADMINS,
  postObservation: PRODUCERS,
  postObservations: PRODUCERS,
  listEventTypes: ANYBODY,
  getEventType: ANYBODY,
  putEventType: OPERATOR,
  updateEventType: OPERATOR,
  deleteEventType: OPERATOR,
  previewCatalog: ANYBODY,
  installCatalog: OPERATOR,
};

const operations = operationsOf(await theDocument()).toSorted((a, b) => rank(a) - rank(b));

/** Deletions come last, and of these the innermost first: each still finds what it asks for. */
function rank({ method, path }: Operation): number {
  return method === "DELETE" ? 100 - path.length / 100 : 0;
}

/** Does an operation with the example of the document. */
function perform(operation: Operation, path: string, by: Caller): Promise<Answered> {
  const query = operation.parameters.some(({ name }) => name === "dryRun") ? "?dryRun=true" : "";
  return by(operation.method, path + query, operation.body?.example);
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

describe("in its own tenant", () => {
  it.for(IDENTITIES)("%s may do what the table says, and nothing else", async (identity, { expect }) => {
    const world = await newWorld();
    const by = await callerOf(world.tenant ?? "", identity);
    const surprises: Surprises = [];
    for (const operation of operations) {
      const answer = await perform(operation, pathIn(world, operation), by);
      const may = MAY[operation.id]?.includes(identity) === true;
      const fine = may ? answer.status < 500 && ![401, 403, 404].includes(answer.status) : answer.status === 403;
      if (!fine) surprises.push(surprise(operation, answer));
    }
    expect(surprises).toEqual([]);
  });
});

describe("another tenant's things", () => {
  const named = operations.filter(({ path }) => path.includes("{tenant}"));

  it.for(IDENTITIES.filter((identity) => identity !== "operator"))(
    "are not there for %s, and stay as they are",
    async (identity, { expect }) => {
      const [own, other] = await Promise.all([newWorld(), newWorld()]);
      const by = await callerOf(own.tenant ?? "", identity);
      const before = await everythingIn(other, operations);
      const surprises: Surprises = [];
      for (const operation of named) {
        const answer = await perform(operation, pathIn(other, operation), by);
        if (answer.status !== 404) surprises.push(surprise(operation, answer));
      }
      expect(surprises).toEqual([]);
      expect(await everythingIn(other, operations)).toEqual(before);
    },
  );

  it.for(IDENTITIES)("are not there under one's own tenant, for %s", async (identity, { expect }) => {
    const [own, other] = await Promise.all([newWorld(), newWorld()]);
    const tenant = own.tenant ?? "";
    const by = await callerOf(tenant, identity);
    const before = await everythingIn(other, operations);
    const surprises: Surprises = [];
    // A vendor's catalog is nobody's.
    for (const operation of named.filter(({ path }) => /\{tenant\}\/.*\{(?!profile)/.test(path))) {
      const answer = await perform(operation, pathIn({ ...other, tenant }, operation), by);
      const may = MAY[operation.id]?.includes(identity) === true;
      if (answer.status !== (may ? 404 : 403)) surprises.push(surprise(operation, answer));
    }
    expect(surprises).toEqual([]);
    expect(await everythingIn(other, operations)).toEqual(before);
  });
});
