import type { Random } from "../clock.ts";

/** How long to wait before trying again. */
export interface BackOffOptions {
  /** Milliseconds before the first retry; default 1000. */
  readonly initialMs?: number;
  /** No wait is longer than this many milliseconds; default 60000. */
  readonly maxMs?: number;
  /** Each wait is this many times the one before; default 2. */
  readonly factor?: number;
  /** Share of each wait that is left to chance, 0 to 1, so that many switches do not retry in step; default 0.2. */
  readonly jitter?: number;
}

/** {@link BackOffOptions} with every default filled in. */
export type BackOff = Required<BackOffOptions>;

/** Milliseconds to wait after the `attempt`-th failure in a row (1 = the first). */
export function backOffDelay(backOff: BackOff, attempt: number, random: Random): number {
  const full = Math.min(backOff.maxMs, backOff.initialMs * backOff.factor ** Math.min(attempt - 1, 64));
  return full * (1 - backOff.jitter * random());
}
