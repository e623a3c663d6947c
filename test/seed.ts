/** Seed of the property tests: fixed, so that every run tests the same; OFSYNC_SEED=… tests something else. */
export const seed: number = Number(process.env.OFSYNC_SEED ?? 20_261_121);
