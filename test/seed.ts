const given = process.env.OFSYNC_SEED;

/** Seed of the property tests: fixed, so that every run tests the same; OFSYNC_SEED=… tests something else. */
export const seed: number = Number(given ?? 20_261_121);

/** The seeds for properties that run twice: the fixed one, and a random one that is printed. */
export const seeds: readonly number[] = given === undefined ? [seed, Math.floor(Math.random() * 0x7fff_ffff)] : [seed];

/** A number of runs, multiplied by OFSYNC_RUNS. */
export function runs(count: number): number {
  return Math.max(1, Math.round(count * Number(process.env.OFSYNC_RUNS ?? 1)));
}

/** Says which seeds are used, so that a failure can be repeated. */
export function announceSeeds(): void {
  console.info(`property tests: seeds ${seeds.join(" and ")} (OFSYNC_SEED=… repeats one)`);
}
