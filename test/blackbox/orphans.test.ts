import { test } from "vitest";
import { freePort, type Instance, kill, Project } from "./project";

/** What is killed without warning, and what `npm start` then says, if it still can. */
const KILLS: { name: string; victims: (instance: Instance) => number[]; says?: RegExp }[] = [
  { name: "start.mjs", victims: (instance) => instance.pids(/^\S*node scripts\/start\.mjs/) },
  { name: "npm", victims: (instance) => [instance.npm.pid ?? 0] },
  { name: "the guard", victims: (instance) => instance.pids(/guard\.sh/), says: /The runtime ended unexpectedly/ },
  {
    name: "the runtime's host",
    victims: (instance) => instance.pids(/lib\/runtime\.mjs/),
    says: /The runtime ended unexpectedly/,
  },
  {
    name: "the runtime",
    victims: (instance) => instance.pids(/workerd serve /),
    says: /The runtime ended unexpectedly/,
  },
  { name: "every node process", victims: (instance) => instance.pids(/^(?:npm|\S*node) /) },
];

test("whatever is killed, nothing is left over, and npm start goes on from the same state and port", async ({
  expect,
}) => {
  const project = await Project.copy();
  const port = await freePort();
  for (const { name, victims, says } of KILLS) {
    const instance = await project.serve(port);
    for (const pid of victims(instance)) kill(pid);
    await instance.isGone().catch((error) => expect.fail(`${name} killed: ${error.message}`));
    if (says !== undefined) {
      expect(await instance.exited, name).toBe(1);
      expect(instance.output, name).toMatch(says);
      expect(instance.output, name).toMatch(/run npm start again/);
    }
  }
});
