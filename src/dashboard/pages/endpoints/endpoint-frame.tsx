import type { Child, FC } from "hono/jsx";
import { Act } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Copyable, Tabs } from "../../components/parts";
import { type Endpoint, EndpointPill, nameOf } from "../../components/pills";
import { path, type Site } from "../../site";

/** The path of an endpoint's pages. */
export function endpointPath(site: Site, tenant: string, endpoint: string, ...parts: string[]): string {
  return path(site.base, "tenants", tenant, "endpoints", endpoint, ...parts);
}

export type EndpointTab = "Overview" | "Deliveries" | "Test" | "Verify" | "Settings" | "Audit";

/** What stands over each of an endpoint's pages: what it is, its state, and the way to the others. */
export const EndpointFrame: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint;
  tab: EndpointTab;
  failing?: boolean;
  children?: Child;
}> = ({ site, tenant, endpoint, tab, failing, children }) => {
  const here = (...parts: string[]) => endpointPath(site, tenant, endpoint.id, ...parts);
  const tabs: [EndpointTab, string][] = [
    ["Overview", here()],
    ["Deliveries", here("deliveries")],
    ...(site.may.endpoints.update
      ? ([
          ["Test", here("test")],
          ["Verify", here("verify")],
          ["Settings", here("settings")],
        ] as [EndpointTab, string][])
      : []),
    ...(site.may.audit.ofTenant ? ([["Audit", here("audit")]] as [EndpointTab, string][]) : []),
  ];
  return (
    <>
      <PageHead
        title={nameOf(endpoint)}
        up={{ href: path(site.base, "tenants", tenant, "endpoints"), name: "Endpoints" }}
        about={
          <>
            <EndpointPill endpoint={endpoint} failing={failing ?? false} /> <code class="url">{endpoint.url}</code>
            <Copyable text={endpoint.id} label="Copy the endpoint's id" />
          </>
        }
      >
        {site.may.endpoints.update ? (
          <Act
            visit={site}
            action={here(endpoint.enabled ? "disable" : "enable")}
            class={endpoint.enabled ? "" : "primary"}
          >
            {endpoint.enabled ? "Disable" : "Enable"}
          </Act>
        ) : null}
      </PageHead>
      <Tabs label="Of this endpoint" current={tab} tabs={tabs} />
      {children}
    </>
  );
};
