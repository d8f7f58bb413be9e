import { Hono } from "hono";
import { PageHead } from "../components/layout";
import { Block, Card } from "../components/parts";
import type { SiteEnv } from "../site";
import { page } from "../write";

const TROUBLE: readonly (readonly [seen: string, cause: string, remedy: string])[] = [
  [
    "401 of your own receiver",
    "the body was parsed and written again before it was verified, or the secret is another endpoint's",
    "verify over the raw bytes; compare the secret with the one under Verify",
  ],
  ["timeout", "the receiver works before it answers", "answer 2xx first, then do the work from a queue"],
  [
    "connection",
    "the host, port or certificate does not answer from outside",
    "open the URL from another network; renew the certificate, with its whole chain",
  ],
  [
    "redirect",
    "the URL moved, often http to https or a missing slash at its end",
    "set the final URL in the endpoint's settings: redirects are not followed",
  ],
  [
    "403 or a page of HTML",
    "a firewall or bot protection stands before the receiver",
    "let POST requests to this path through; the signature protects it",
  ],
  ["400 or 415", "the framework takes only some content types", "accept any type on this route"],
  ["an event came twice", "an answer was late or lost, or somebody sent it again", "act once per id"],
  [
    "an event never came",
    "the endpoint does not want its type, or its filter refuses it",
    "open the event: it says why, and what to do",
  ],
  ["deliveries are held", "the endpoint is disabled", "enable it, then recover what was held"],
];

/** Help for the engineers of receivers. */
export const helpPages = new Hono<SiteEnv>().get("/help", (c) => {
  const site = c.get("site");
  return page(
    c,
    { title: "Help for receivers", current: "Help" },
    <>
      {site.principal.tenant === null ? null : (
        <p class="up">
          <a href={`${site.base}/tenants/${site.principal.tenant}`}>← {site.principal.tenant}</a>
        </p>
      )}
      <PageHead
        title="Help for receivers"
        about="What a receiver has to do, and what to look at when something does not arrive."
      />
      <div class="columns wide">
        <Card title="Verify" id="verify">
          <p>
            Each request is signed with your endpoint's secret. Compute the signature over the body{" "}
            <strong>as the bytes came</strong>, before any JSON parser: parsed and written again, JSON has other bytes.
            Compare in constant time, and answer 401 when it does not fit.
          </p>
          <p>
            The endpoint's page <em>Verify</em> has a receiver in Node and one in Python that is filled in for it. While
            a secret is being rotated, both signatures are sent; those programs take either.
          </p>
        </Card>
        <Card title="Deduplicate" id="deduplicate">
          <p>
            Deliveries are at least once, and in no order. The id of an event stays the same over retries and resends:
            write it down in a table with a unique key before you act, and ignore an id that you know.
          </p>
          <p>
            Its place depends on the profile: <code>id</code> in the body, or the headers <code>webhook-id</code>,{" "}
            <code>svix-id</code> or <code>X-Webhook-Id</code>.
          </p>
        </Card>
        <Card title="Answer fast" id="answer-fast">
          <p>
            Any 2xx within the endpoint's timeout, 10 s unless set, is a success. Answer first and do the work
            afterwards, from a queue. Anything else is retried on the endpoint's schedule; <code>Retry-After</code> on
            429 and 503 is honoured, and <code>410</code> switches the endpoint off.
          </p>
        </Card>
        <Card title="Work on your own machine" id="tunnel">
          <p>A receiver on your machine needs an address that the internet reaches. A tunnel gives it one:</p>
          <Block text={"cloudflared tunnel --url http://localhost:3000"} label="A tunnel with cloudflared" />
          <p>Use the https address that it prints as the endpoint's URL, then send a test event.</p>
        </Card>
      </div>
      <Card title="When something does not arrive" id="troubleshooting">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">What the log shows</th>
              <th scope="col">Why</th>
              <th scope="col">What to do</th>
            </tr>
          </thead>
          <tbody>
            {TROUBLE.map(([seen, cause, remedy]) => (
              <tr>
                <td data-name="What the log shows">
                  <strong>{seen}</strong>
                </td>
                <td data-name="Why">{cause}</td>
                <td data-name="What to do">{remedy}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
    </>,
  );
});
