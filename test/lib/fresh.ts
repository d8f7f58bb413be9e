let names = 0;

/** A name nobody has used, for tenants, endpoints and receiver paths. */
export function fresh(what: string): string {
  return `${what}-${Date.now().toString(36)}-${++names}`;
}
