import { Webhook } from "standardwebhooks";
import { sign } from "../../../src/send/request/sign";

const SECRET = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
const ID = "evt_01JD0000000000000000000000";

interface Asked {
  bytes: number;
  times: number;
}

/** Times signing by itself, in the runtime: ours and that of the package `standardwebhooks`, over the same bodies. */
export default {
  async fetch(request) {
    const { bytes, times } = await request.json<Asked>();
    const text = JSON.stringify({ text: "x".repeat(Math.max(bytes - 11, 0)) });
    const body = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
    const now = new Date();
    const timestamp = Math.floor(now.getTime() / 1_000);
    const theirs = new Webhook(SECRET);
    const ours = async () => {
      const scheme = { scheme: "standard", header: null } as const;
      return (await sign(scheme, [SECRET], { id: ID, timestamp, body }))["webhook-signature"];
    };
    const expected = theirs.sign(ID, now, text);
    if ((await ours()) !== expected) throw new Error("the two do not sign alike");
    const ourMs = await timed(times, ours);
    const theirMs = await timed(times, () => theirs.sign(ID, now, text));
    return Response.json({ ourMs, theirMs });
  },
} satisfies ExportedHandler;

async function timed(times: number, call: () => unknown): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < times; i++) await call();
  return performance.now() - started;
}
