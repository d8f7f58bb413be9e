import type { ProfileName } from "../endpoints/profiles";
import { clarm } from "./clarm";
import { clearview } from "./clearview";
import type { CatalogType } from "./fields";
import { finder } from "./finder";
import { snitcher } from "./snitcher";
import { visits } from "./visits";

export type { CatalogType } from "./fields";

/** The vendors' event types, by profile. The other profiles are forms that any event takes, and have none of their own. */
const CATALOGS: ReadonlyMap<string, readonly CatalogType[]> = new Map<ProfileName, readonly CatalogType[]>([
  ["clearview", clearview],
  ["clarm", clarm],
  ["finder", finder],
  ["snitcher", snitcher],
  ["visits", visits],
]);

/** The profiles that have a catalog. */
export const CATALOG_NAMES: readonly string[] = [...CATALOGS.keys()];

/** The event types of a profile's vendor; `null` when it has none. */
export function catalogOf(profile: string): readonly CatalogType[] | null {
  return CATALOGS.get(profile) ?? null;
}

/** An event type of the profile's catalog or, failing that, of any. */
export function findInCatalogs(profile: string, event: string): CatalogType | null {
  const own = catalogOf(profile) ?? [];
  return [own, ...CATALOGS.values()].flat().find(({ name }) => name === event) ?? null;
}
