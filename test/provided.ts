/** What suites are told by the environment, see property.ts. */
export const provided = {
  seed: process.env.FC_SEED ? Number(process.env.FC_SEED) : null,
  times: Number(process.env.FC_TIMES ?? 1),
};
