/**
 * The Workers of the stand-in of Cloudflare's API: what was uploaded, and the calls that wrangler makes about it.
 * @module
 */

import { type Answer, type Call, type Json, Refusal } from "./cloudflare";

/** A Worker as it was uploaded last. */
export interface Script {
  secrets: Record<string, string>;
  bindings: Record<string, Json>[];
  /** How often it was deployed. */
  deployments: number;
  /** The last migration of its Durable Objects. */
  tag: string;
  /** What deployed it; "api" is none of wrangler's, and wrangler says so. */
  from?: string;
}

const VERSION = "11111111-1111-4111-8111-111111111111";

export class Workers {
  readonly scripts = new Map<string, Script>();
  /** Called once a Worker has been uploaded, before wrangler is told. */
  onDeployed: (script: Script) => Promise<void> = async () => {};

  readonly calls: [RegExp, Answer][] = [
    [/^GET \/workers\/subdomain$/, () => ({ subdomain: "stand-in" })],
    [/^GET \/workers\/services\/([^/]+)$/, (call) => this.#service(this.#script(call))],
    [/^GET \/workers\/workers\/([^/]+)$/, () => ({ subdomain: { enabled: true, previews_enabled: true } })],
    [/^GET \/workers\/scripts\/([^/]+)\/secrets$/, (call) => Object.keys(this.#script(call).secrets).map(secretText)],
    [/^GET \/workers\/scripts\/([^/]+)\/settings$/, (call) => ({ bindings: this.#script(call).bindings })],
    [
      /^GET \/workers\/scripts\/([^/]+)\/deployments$/,
      (call) => ({ deployments: this.#deployments(this.#script(call)) }),
    ],
    [/^POST \/workers\/scripts\/([^/]+)\/assets-upload-session$/, () => ({ jwt: "assets", buckets: [] })],
    [/^PUT \/workers\/scripts\/([^/]+)$/, (call) => this.#upload(call)],
    [/^POST \/workers\/scripts\/([^/]+)\/versions$/, (call) => this.#upload(call)],
    [/^POST \/workers\/scripts\/([^/]+)\/deployments$/, () => ({ id: VERSION })],
    [/^PATCH \/workers\/scripts\/([^/]+)\/script-settings$/, () => ({})],
    [/^POST \/workers\/scripts\/([^/]+)\/subdomain$/, ({ body }) => body],
  ];

  #script({ parts: [name = ""] }: Call): Script {
    const script = this.scripts.get(name);
    if (script === undefined) throw new Refusal(404, 10007, "This Worker does not exist on your account.");
    return script;
  }

  #service({ tag, from = "wrangler" }: Script): object {
    const script = { tag: "tag", tags: [], migration_tag: tag, last_deployed_from: from };
    return { default_environment: { environment: "production", script } };
  }

  #deployments({ deployments }: Script): object[] {
    const versions = [{ version_id: VERSION, percentage: 100 }];
    return deployments === 0 ? [] : [{ id: VERSION, source: "wrangler", strategy: "percentage", versions }];
  }

  async #upload({ parts: [name = ""], body }: Call): Promise<object> {
    const { bindings, migrations } = JSON.parse(String((body as FormData).get("metadata")));
    const before = this.scripts.get(name);
    const secrets = bindings.filter(({ type }: Json) => type === "secret_text");
    const given = Object.fromEntries(secrets.map(({ name, text }: Json) => [name, text]));
    const script = {
      // A secret that an upload does not name stays.
      secrets: { ...before?.secrets, ...given },
      bindings: bindings.filter(({ type }: Json) => type !== "secret_text"),
      deployments: (before?.deployments ?? 0) + 1,
      tag: migrations?.new_tag ?? before?.tag,
    };
    this.scripts.set(name, script);
    await this.onDeployed(script);
    return {
      id: VERSION,
      deployment_id: VERSION.replaceAll("-", ""),
      startup_time_ms: 10,
      resources: { script: { etag: "etag" } },
    };
  }
}

function secretText(name: string): object {
  return { name, type: "secret_text" };
}
