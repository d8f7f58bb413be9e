import { it } from "vitest";
import { runInLanes } from "../../src/delivery/lanes";

it("finds each of many endpoints that hang out by its first attempt before it makes a second", async ({ expect }) => {
  const order: string[] = [];
  const tasks = Array.from({ length: 10 }, (_, endpoint) =>
    Array.from({ length: 10 }, () => ({
      endpoint: String(endpoint),
      run: async () => {
        order.push(String(endpoint));
        await Promise.resolve();
        return [];
      },
    })),
  ).flat();
  await runInLanes(tasks);
  expect(order).toHaveLength(100);
  expect(new Set(order.slice(0, 6)).size).toBe(6);
});

it("takes no more than six at once, and three of one endpoint while others wait", async ({ expect }) => {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  let all = 0;
  const task = (endpoint: string) => ({
    endpoint,
    run: async () => {
      running.set(endpoint, (running.get(endpoint) ?? 0) + 1);
      all++;
      most.set("all", Math.max(most.get("all") ?? 0, all));
      most.set(endpoint, Math.max(most.get(endpoint) ?? 0, running.get(endpoint) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, endpoint === "a" ? 5 : 20));
      running.set(endpoint, (running.get(endpoint) ?? 1) - 1);
      all--;
      return [];
    },
  });
  await runInLanes([...Array.from({ length: 12 }, () => task("a")), ...Array.from({ length: 30 }, () => task("b"))]);
  expect(most.get("all")).toBe(6);
  expect(most.get("a")).toBe(3);
});
