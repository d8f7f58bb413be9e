/** In place of the runtime's module, of which making the document asks nothing. */
export class DurableObject {}
export const env = {};
export const exports = {};
