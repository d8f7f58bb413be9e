import { it } from "vitest";
import { partsOf } from "../../../src/lib/net/request-url";

it("tells host and path of a request's URL as a parser does", ({ expect }) => {
  for (const url of [
    "https://posthorn.example/",
    "https://posthorn.example/v1/tenants/a%20b/events?x=/y#z",
    "http://127.0.0.1:8787/v1?since=1",
    "http://[::1]:8787/a//b/#c?d",
    "https://posthorn.example/?a=#",
  ]) {
    const { host, pathname } = new URL(new Request(url).url);
    expect(partsOf(new Request(url).url)).toEqual({ host, path: pathname });
  }
});
