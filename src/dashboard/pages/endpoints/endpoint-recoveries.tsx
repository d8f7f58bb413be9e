import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { Act } from "../../components/form";
import { Rows } from "../../components/listing";
import { Notice } from "../../components/parts";
import type { Endpoint } from "../../components/pills";
import { Ago, At } from "../../components/time";
import type { Site } from "../../site";
import { endpointPath } from "./endpoint-frame";

type Recovery = Awaited<ReturnType<Client["recoveries"]["list"]>>["data"][number];

/** As many as are shown of those that are over. */
const SHOWN = 5;

/** What is being recovered of an endpoint, how far it has come, and a way to end it. */
export const RunningRecoveries: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint["id"];
  all: readonly Recovery[];
}> = ({ site, tenant, endpoint, all }) => (
  <>
    {all
      .filter(({ state }) => state === "running")
      .map(({ id, count, done }) => (
        <Notice tone="info">
          <p>
            <strong>{`Recovering: ${done} of ${count} sent again.`}</strong>{" "}
            <progress value={done} max={Math.max(count, 1)} aria-label="How far the recovery has come" />
          </p>
          {site.may.recoveries.cancel ? (
            <Act
              visit={site}
              action={endpointPath(site, tenant, endpoint, "cancel-recovery")}
              fields={{ recovery: id }}
              asks="Cancel it? What it has not sent yet stays as it was."
            >
              Cancel the recovery
            </Act>
          ) : null}
        </Notice>
      ))}
  </>
);

/** The latest recoveries of an endpoint; nothing where there were none. */
export const PastRecoveries: FC<{ all: readonly Recovery[]; now: number }> = ({ all, now }) => {
  const past = all.filter(({ state }) => state !== "running").slice(0, SHOWN);
  if (past.length === 0) return null;
  return (
    <Rows
      rows={past}
      columns={[
        { name: "Recovered", cell: ({ createdAt }) => <Ago at={createdAt} now={now} /> },
        { name: "Accepted since", cell: ({ since }) => <At at={since} /> },
        { name: "Until", cell: ({ until }) => <At at={until} /> },
        { name: "Which", cell: ({ status }) => status.join(" and ") },
        { name: "Sent again", class: "number", cell: ({ count, done }) => `${done} of ${count}` },
        { name: "State", cell: ({ state }) => state },
      ]}
    />
  );
};
