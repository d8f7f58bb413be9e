import { describe, it } from "vitest";
import { app } from "../../src/api/app";
import { MANAGERS, READERS } from "../../src/api/http/roles";
import { createRoute, demandRoles, isFor } from "../../src/api/http/route";
import { mayOf } from "../../src/dashboard/site";

const said = { operationId: "tryThis", summary: "Try", description: "Tries.", tags: ["Service"], responses: {} };

describe("the roles of a route", () => {
  it("are demanded of every route of the API when it starts", ({ expect }) => {
    demandRoles(app.routes);
    const raw = { method: "GET", path: "/v1/raw" };
    expect(() => demandRoles([...app.routes, raw])).toThrow("GET /v1/raw does not say whose it is");
    // What stands before all methods is no route, and pages have rules of their own.
    demandRoles([
      { method: "ALL", path: "/v1/*" },
      { method: "GET", path: "/docs" },
    ]);
  });

  it("are what it says they are, for each method of a path, and stand in its description", ({ expect }) => {
    const get = createRoute({ ...said, method: "get", path: "/v1/tried/{it}", roles: READERS });
    createRoute({ ...said, method: "post", path: "/v1/tried/{it}", roles: MANAGERS });
    expect(get.description).toBe("Tries.\n\nRoles: `operator`, `admin`, `viewer`, `portal`, `portal-viewer`.");
    expect(get).not.toHaveProperty("roles");
    const allowed = (verb: string) =>
      (["operator", "admin", "producer", "viewer", "portal", "portal-viewer"] as const).filter((role) =>
        isFor(role, `${verb} /v1/tried/:it`),
      );
    expect(allowed("GET")).toEqual(["operator", "admin", "viewer", "portal", "portal-viewer"]);
    expect(allowed("POST")).toEqual(["operator", "admin", "portal"]);
    expect(allowed("DELETE")).toEqual(["operator"]);
  });

  it("are said once for a path and method", ({ expect }) => {
    const declare = () => createRoute({ ...said, method: "get", path: "/v1/tried/twice", roles: READERS });
    declare();
    expect(declare).toThrow("twice");
  });

  it("are what the dashboard offers by", ({ expect }) => {
    const [operator, portal, reader] = [mayOf("operator"), mayOf("portal"), mayOf("portal-viewer")];
    expect([operator.tenants.create, portal.tenants.create]).toEqual([true, false]);
    expect([portal.endpoints.update, reader.endpoints.update]).toEqual([true, false]);
    expect([portal.keys.list, reader.endpoints.list]).toEqual([false, true]);
  });
});
