const { FC_SEED = "", FC_TIMES = "1", TEST_PATIENCE = "60000" } = process.env;
const seeds = FC_SEED === "" ? null : FC_SEED.split(",").map(Number);
if (seeds?.some((seed) => !Number.isInteger(seed))) {
  throw new Error(`FC_SEED is "${FC_SEED}", and not a number, or two with a comma between them`);
}

/** What suites are told by the environment, see property.ts; `patience`: how long a test waits for something, in ms. */
export const provided = { seeds, times: Number(FC_TIMES), patience: Number(TEST_PATIENCE) };
