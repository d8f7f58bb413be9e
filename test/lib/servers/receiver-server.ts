import type { TestProject } from "vitest/node";
import { strain } from "../patience.ts";
import { type Answer, type Received, receive } from "./receive.ts";

/**
 * The receiver of the suites in workerd. Every test takes a path of its own, `/in/<name>`: what is sent there is kept and
 * can be read at `GET /seen/<name>`; how it answers is the path's plan, `PUT /plan/<name>` with a list of answers, the last
 * of which repeats. At `GET /strain` it tells what workerd cannot know: how much longer things take on this machine.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const seen = new Map<string, Received[]>();
  const plans = new Map<string, Answer[]>();

  const { url, close } = await receive((request) => {
    const [, verb = "", name = ""] = request.url.split(/[/?]/);
    if (verb === "strain") return { body: String(strain()) };
    if (verb === "seen") return { body: JSON.stringify(seen.get(name) ?? []) };
    if (verb === "plan") {
      plans.set(name, JSON.parse(request.body) as Answer[]);
      return {};
    }
    const arrived = seen.get(name) ?? [];
    seen.set(name, arrived);
    arrived.push(request);
    const plan = plans.get(name) ?? [{}];
    return { body: "ok", ...plan[Math.min(arrived.length, plan.length) - 1] };
  });
  project.provide("receiver", url);
  return close;
}
