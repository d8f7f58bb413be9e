import { describe, it } from "vitest";
import { RememberingRouter } from "../../src/api/http/remembering-router";

describe("a router that remembers what it has found", () => {
  it("finds the same a second time, by method and path, with each path's own parameters", ({ expect }) => {
    const router = new RememberingRouter<string>();
    router.add("ALL", "/v1/*", "before");
    router.add("GET", "/v1/tenants/:tenant", "read");
    router.add("PUT", "/v1/tenants/:tenant", "write");
    const found = (method: string, path: string) => router.match(method, path)[0];
    for (let time = 0; time < 2; time++) {
      for (const tenant of ["a", "b"]) {
        expect(found("GET", `/v1/tenants/${tenant}`)).toEqual([
          ["before", {}],
          ["read", { tenant }],
        ]);
      }
      expect(found("PUT", "/v1/tenants/a")).toEqual([
        ["before", {}],
        ["write", { tenant: "a" }],
      ]);
      expect(found("GET", "/v2")).toEqual([]);
    }
  });
});
