/**
 * What stands for @asteasolutions/zod-to-openapi in the Worker (`[alias]` in wrangler.toml): the document is made before, by
 * scripts/lib/document.mjs, so that what its schemas and routes say of themselves is nobody's to keep there.
 * @module
 */

interface Extended {
  ZodType: { prototype: { openapi?: () => unknown } };
}

/** Has every schema's `openapi` be the schema itself. */
export function extendZodWithOpenApi({ ZodType }: Extended): void {
  ZodType.prototype.openapi = function (this: unknown) {
    return this;
  };
}

/** Keeps nothing. */
export class OpenAPIRegistry {
  readonly definitions = [];
  registerPath(): void {}
}

const none = () => {
  throw new Error("the Worker makes no document");
};

export { none as getOpenApiMetadata, none as OpenApiGeneratorV3, none as OpenApiGeneratorV31 };
