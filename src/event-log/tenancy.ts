import { configOf } from "../config/databases";
import { type Deletion, isBeingDeleted, tenantAnywhere } from "../config/tenants";
import type { Env } from "../contracts/env";
import { TENANT_GONE } from "../contracts/event-log";
import { logError } from "../lib/log";
import { OPERATOR_TENANT } from "../lib/operator";
import type { Day } from "../lib/time";

/** How often a deletion asks whether it is still on its way while others come to write. */
const MOST_ASKS = 5;

/**
 * Whose log it is. An isolate that has not heard of a tenant's deletion may still post to it, though another tenant has
 * the name by now: so it is asked for before the first event, and kept with the log.
 */
export class Tenancy {
  readonly #env: Env;
  readonly #tenant: string;
  readonly #day: Day;
  readonly #keep: (since: number) => void;
  /** When the tenant was created whose log this is, in ms; `null`: not asked. */
  since: number | null = null;
  /** The tenant has been deleted, and unless it is there again nothing may be written. */
  erased = false;
  /** Counts those who came to write. */
  #writes = 0;

  /** `keep` writes down when the tenant was created, if there is anything to keep it with. */
  constructor(env: Env, tenant: string, day: Day, keep: (since: number) => void) {
    this.#env = env;
    this.#tenant = tenant;
    this.#day = day;
    this.#keep = keep;
  }

  /** Throws {@link TENANT_GONE} unless the tenant is there; `since`: whom it is written for, where that is known. */
  async check(since?: number): Promise<void> {
    this.#writes++;
    // The service's own is never deleted, and its log takes events while it has no row.
    if (this.#tenant === OPERATOR_TENANT) return;
    if (this.erased) {
      const tenant = await tenantAnywhere(this.#env, this.#tenant);
      if (tenant === null) throw new Error(TENANT_GONE);
      this.erased = false;
      this.since = tenant.createdAt;
    } else if (since !== undefined && this.since === null) await this.#ask();
    if (since !== undefined && this.since !== null && since !== this.since) throw new Error(TENANT_GONE);
  }

  /** Throws {@link TENANT_GONE} when the tenant has been deleted, be it since {@link check}. */
  checkErased(): void {
    if (this.erased) throw new Error(TENANT_GONE);
  }

  /** With D1 out of reach nobody knows, and whoever comes is taken at their word. */
  async #ask(): Promise<void> {
    const tenant = await tenantAnywhere(this.#env, this.#tenant).catch((error) => {
      logError("events.tenant.failed", error, { tenant: this.#tenant, day: this.#day });
      return undefined;
    });
    if (tenant === null) throw new Error(TENANT_GONE);
    if (tenant === undefined || this.erased) return;
    this.since = tenant.createdAt;
    this.#keep(tenant.createdAt);
  }

  /**
   * Whose all that is held is. It is the deleted tenant's when nothing came since D1 said that the deletion is on its way:
   * until that is over there is no other tenant of the name. `busy`: each time something came.
   */
  async heldBy(deletion: Omit<Deletion, "id">): Promise<"deleted" | "another" | "busy"> {
    for (let asks = 0; asks < MOST_ASKS; asks++) {
      const writes = this.#writes;
      if (!(await isBeingDeleted(await configOf(this.#env, this.#tenant), { ...deletion, id: this.#tenant })))
        return "another";
      if (writes === this.#writes) return "deleted";
    }
    return "busy";
  }
}
