/**
 * Gives openapi-typescript the TypeScript that it is written against: it prints types with the compiler's own library,
 * which TypeScript 7 no longer has.
 * @module
 */
import { registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, next) => next(specifier === "typescript" ? "typescript-5" : specifier, context),
});
