import { Hono } from "hono";
import type { FloorMessage, FloorPost } from "../floor-message.ts";

interface FloorEnv {
  DELIVERIES: Queue;
}

const app = new Hono<{ Bindings: FloorEnv }>();

/** The least an accepting Worker can do: read JSON and send one queue message. */
app.post("/v1/tenants/:tenant/events", async (c) => {
  const event = await c.req.json<{ event: string; data: unknown }>();
  await c.env.DELIVERIES.send({ tenant: c.req.param("tenant"), ...event });
  return c.json({ event: event.event }, 202);
});

/** The least that accepts and delivers: a message for each delivery. */
app.post("/bench/pipeline", async (c) => {
  const { times, ...body } = await c.req.json<FloorPost>();
  if (times === 1) await c.env.DELIVERIES.send(body);
  for (let left = times === 1 ? 0 : times; left > 0; left -= 100) {
    await c.env.DELIVERIES.sendBatch(Array.from({ length: Math.min(left, 100) }, () => ({ body })));
  }
  return c.json(null, 202);
});

app.post("/bench/enqueue", async (c) => {
  const { messages } = await c.req.json<{ messages: FloorMessage[] }>();
  for (let i = 0; i < messages.length; i += 100) {
    await c.env.DELIVERIES.sendBatch(messages.slice(i, i + 100).map((body) => ({ body })));
  }
  return c.json(null);
});

/** As many requests as a Worker may have under way. */
const LANES = 6;

export default {
  fetch: app.fetch,
  /** The least a delivering consumer can do: fetch. */
  async queue(batch: MessageBatch<FloorMessage>) {
    const waiting = [...batch.messages];
    const lane = async () => {
      for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
        const { url, headers, body } = message.body;
        const response = await fetch(url, { method: "POST", headers, body });
        await response.arrayBuffer();
        message.ack();
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  },
} satisfies ExportedHandler<FloorEnv, FloorMessage>;
