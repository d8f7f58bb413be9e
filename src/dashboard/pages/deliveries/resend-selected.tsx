import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Notice } from "../../components/parts";
import { PageError, type Refusal, refusedWith } from "../../errors";
import { needs } from "../../guard";
import { path, type Site, type SiteContext, type SiteEnv, tenantPath } from "../../site";
import { page } from "../../write";

/** As many as a list shows at once, and as one form may resend. */
const MOST = 250;
/** So many are asked for at a time. */
const AT_ONCE = 6;

/** The delivery that a checkbox stands for. */
interface Chosen {
  endpoint: string;
  id: string;
}

/** The deliveries that were chosen; anything else in the form is none. */
function chosenIn(form: FormData): Chosen[] {
  const values = [...new Set(form.getAll("delivery").map(String))];
  return values.flatMap((value) => {
    const [, endpoint, id] = /^(ep_\w+)\/(dlv_\w+)$/.exec(value) ?? [];
    return endpoint === undefined || id === undefined ? [] : [{ endpoint, id }];
  });
}

function count(n: number): string {
  return n === 1 ? "1 delivery" : `${n} deliveries`;
}

const Links: FC<{ site: Site; tenant: string; chosen: readonly Chosen[] }> = ({ site, tenant, chosen }) => (
  <ul>
    {chosen.map(({ endpoint, id }) => (
      <li>
        <a href={path(site.base, "tenants", tenant, "endpoints", endpoint, "deliveries", id)}>
          <code>{id}</code>
        </a>
      </li>
    ))}
  </ul>
);

/** Resends each, and tells which were refused, by the reason. */
async function resend(site: Site, tenant: string, chosen: readonly Chosen[]): Promise<Map<string, Chosen[]>> {
  const refused = new Map<string, Chosen[]>();
  const left = [...chosen];
  const lane = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const { endpoint, id } = one;
      const refusal: Refusal | null = await refusedWith(() => site.api.deliveries.resend(tenant, endpoint, id));
      if (refusal !== null) refused.set(refusal.detail, [...(refused.get(refusal.detail) ?? []), one]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return refused;
}

async function show(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  needs(site.may.deliveries.resend, "Your role reads, and does not resend deliveries.");
  const form = c.get("form");
  const chosen = chosenIn(form);
  if (chosen.length > MOST) throw new PageError(422, `At most ${MOST} deliveries can be resent at once.`);
  const log = { href: tenantPath(c, "deliveries"), name: "Deliveries" };
  if (textOf(form, "confirmed") === "" || chosen.length === 0) {
    const title = chosen.length === 0 ? "None is selected" : `Resend ${count(chosen.length)}?`;
    return page(
      c,
      { title, current: "Deliveries" },
      <>
        <PageHead title={title} up={log} />
        <Card>
          {chosen.length === 0 ? (
            <p>Select deliveries in the log, then resend them.</p>
          ) : (
            <>
              <p>
                Each is due now, with today's settings, whatever became of it: also one that has succeeded goes to its
                receiver again.
              </p>
              <form method="post" action={tenantPath(c, "deliveries", "resend")} class="inline">
                <Token visit={site} />
                <input type="hidden" name="confirmed" value="yes" />
                {chosen.map(({ endpoint, id }) => (
                  <input type="hidden" name="delivery" value={`${endpoint}/${id}`} />
                ))}
                <button type="submit" class="primary">
                  Resend {count(chosen.length)}
                </button>
                <a href={log.href}>Keep them as they are</a>
              </form>
              <Links site={site} tenant={tenant} chosen={chosen} />
            </>
          )}
        </Card>
      </>,
    );
  }
  const refused = await resend(site, tenant, chosen);
  const left = [...refused.values()].flat();
  const asked = chosen.filter((one) => !left.includes(one));
  const title = `Resend of ${count(asked.length)} requested`;
  return page(
    c,
    { title, current: "Deliveries" },
    <>
      <PageHead title={title} up={log} about="Each goes as its endpoint's breaker, rate and slots allow." />
      {[...refused].map(([detail, some]) => (
        <Notice tone="bad">
          <strong>{`${count(some.length)} not resent:`}</strong> {detail}
          <Links site={site} tenant={tenant} chosen={some} />
        </Notice>
      ))}
      {asked.length === 0 ? null : (
        <Card>
          <Links site={site} tenant={tenant} chosen={asked} />
        </Card>
      )}
    </>,
  );
}

/** Resends what was selected in a log, having said how many that are. */
export const resendSelectedPages = new Hono<SiteEnv>().post("/tenants/:tenant/deliveries/resend", show);
