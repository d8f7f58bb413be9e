import { configOf } from "../config/databases";
import { callbackSettings } from "../config/endpoints/callbacks";
import { loadSettings, mirrorEnablement } from "../config/endpoints/endpoints";
import { isSealedUnder } from "../config/endpoints/secrets";
import { tenantAnywhere } from "../config/tenants";
import type { AdmitRequest } from "../contracts/endpoint";
import { type Env, secretsKeys } from "../contracts/env";
import { eventLogStub } from "../contracts/find";
import type { Enablement, EndpointSettings } from "../contracts/settings";
import { type EventRef, parseCallbackId } from "../lib/ids";
import { logError } from "../lib/log";
import { SECOND } from "../lib/time";
import type { Changes, EndpointName } from "./changes";

/** An object's copy of its endpoint's configuration, from D1 and back: there lies a copy of whether it is enabled. */
export class Configuration {
  readonly #changes: Changes;
  readonly #env: Env;
  readonly #name: EndpointName;
  #mirroring: Promise<void> = Promise.resolve();

  constructor(changes: Changes, env: Env, name: EndpointName) {
    this.#changes = changes;
    this.#env = env;
    this.#name = name;
  }

  /**
   * Reads the configuration from D1 when the copy is older than `version`, there is none, or it is sealed under a key
   * that was replaced and taken away since.
   */
  async load(version: number): Promise<void> {
    const { state } = this.#changes.ledger;
    const wasGone = state.stored.gone;
    if (this.#changes.erased || (await this.#knows(version))) return;
    const loaded = await this.#read();
    if (this.#changes.erased) return;
    if (loaded !== null) this.#loaded(loaded.settings, loaded.enablement, wasGone);
    // A message that was under way when its tenant was deleted: it shall not bring anything back.
    else if ((await tenantAnywhere(this.#env, this.#name.tenant)) === null) await this.#changes.eraseAll();
    else if (!this.#changes.erased) this.#changes.make((ledger) => ledger.close(Date.now()));
  }

  /** Loads what offered deliveries need. */
  async loadFor({ version }: Pick<AdmitRequest, "version">): Promise<void> {
    // No version tells that a callback's tenant has another secret now.
    await this.load(parseCallbackId(this.#name.endpoint) === null ? version : Number.POSITIVE_INFINITY);
  }

  /** Likewise; `false`: out of reach, and outcomes are written down all the same. Never throws. */
  async triesToLoadFor(request: AdmitRequest): Promise<boolean> {
    if (request.deliveries.length === 0) return true;
    try {
      await this.loadFor(request);
      return true;
    } catch (error) {
      logError("endpoint.load.failed", error, this.#name);
      return false;
    }
  }

  /**
   * An object that knows nothing of its endpoint asks D1 whether it is gone: it may have been emptied. A callback's is known
   * by its event. Never throws: with D1 out of reach it answers as one that was not asked before.
   */
  async recall(): Promise<void> {
    if (this.#changes.ledger.state.settings !== null || parseCallbackId(this.#name.endpoint) !== null) return;
    try {
      await this.load(0);
    } catch (error) {
      logError("endpoint.recall.failed", error, this.#name);
    }
  }

  /** Writes D1's copy of the enablement, one after the other, so that the last one written is the last one decided. */
  mirror(): Promise<void> {
    this.#mirroring = this.#mirroring.then(async () => {
      // Asked for each time: the ledger may be opened anew meanwhile.
      const state = () => this.#changes.ledger.state;
      const { mirrorAt, toAudit, enabled, disabledReason, disabledAt } = state().stored;
      if (this.#changes.erased || mirrorAt === null || mirrorAt > Date.now() + SECOND) return;
      try {
        const copy = { enabled, disabledReason, disabledAt };
        await mirrorEnablement(await this.#config(), this.#name.tenant, this.#name.endpoint, copy, toAudit);
        if (this.#changes.erased) return;
        state().audited(toAudit);
        // Switched meanwhile: that switch writes for itself.
        if (state().stored.enabled === enabled) state().mirrored(true, Date.now());
      } catch (error) {
        if (!this.#changes.erased) state().mirrored(false, Date.now());
        logError("endpoint.mirror.failed", error, this.#name);
      }
      this.#changes.arm();
    });
    return this.#mirroring;
  }

  async #knows(version: number): Promise<boolean> {
    const { settings, stored } = this.#changes.ledger.state;
    if (settings === null) return stored.gone && version === 0;
    if (settings.version < version) return false;
    return stored.gone || !this.#env.SECRETS_KEY || isSealedUnder(secretsKeys(this.#env), settings);
  }

  #loaded(settings: EndpointSettings, enablement: Enablement, wasGone: boolean): void {
    this.#changes.make(({ state }) => {
      state.configure(settings, enablement);
      // After D1 was set back to an earlier time: the endpoint may be there again, and its copy of the enablement old.
      // Gone since it was asked for: that is a deletion of now.
      if (wasGone) state.reopen();
      const { enabled, mirrorAt } = state.stored;
      if (enabled !== enablement.enabled && mirrorAt === null) state.mirrored(false, Date.now());
    });
  }

  /** The database that it is read from. */
  #config(): Promise<D1Database> {
    return configOf(this.#env, this.#name.tenant);
  }

  async #read(): ReturnType<typeof loadSettings> {
    const { tenant, endpoint } = this.#name;
    const callback = parseCallbackId(endpoint);
    return callback === null ? loadSettings(await this.#config(), tenant, endpoint) : this.#readCallback(callback);
  }

  /** A callback is configured by its event alone. */
  async #readCallback(ref: EventRef & { index: number }): ReturnType<typeof loadSettings> {
    const { tenant, endpoint } = this.#name;
    const [event] = await eventLogStub(this.#env, tenant, ref).read([ref.ulid]);
    const url = event?.matches[ref.index]?.url;
    if (url === undefined) return null;
    const settings = await callbackSettings(await this.#config(), tenant, endpoint, url);
    return { settings, enablement: { enabled: true, disabledReason: null, disabledAt: null } };
  }
}
