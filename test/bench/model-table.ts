import { DEPLOYED, demandOf, deployedFor, type Outlook, outlook, REMEDIES } from "./model.ts";

/** How many tenants the model is asked about. */
export const TENANTS = [100, 1_000, 10_000, 100_000, 1_000_000];

/** The model's answers, as JSON or as the table of the guide. */
export function modelTable(json: boolean): string {
  const answers = TENANTS.map((tenants) => {
    const demand = demandOf(tenants);
    return outlook(deployedFor(demand), demand);
  });
  return json ? JSON.stringify({ shape: DEPLOYED, demand: demandOf(TENANTS[0] ?? 0), answers }) : markdown(answers);
}

function markdown(answers: readonly Outlook[]): string {
  const rows = answers.map((answer) => {
    const { tenants, queues, offered, sustained, usdPerMonth, latencyP50, latencyP99, neighbourRatio, first } = answer;
    return [
      tenants.toLocaleString("en"),
      String(queues),
      count(offered),
      count(sustained),
      `${seconds(latencyP50)} / ${seconds(latencyP99)}`,
      neighbourRatio.toFixed(2),
      `${first.name}, ${Math.round(first.load * 100)} %`,
      REMEDIES[first.name],
      `$${count(usdPerMonth)}`,
    ];
  });
  const head = [
    "tenants",
    "queues",
    "peak per second",
    "sustained",
    "p50 / p99",
    "p99 beside hanging",
    "first full",
    "remedy",
    "a month",
  ];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function count(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
