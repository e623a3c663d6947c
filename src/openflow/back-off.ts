import type { Random } from "../clock.ts";

export interface BackOffOptions {
  /** Upper bound of the first delay in milliseconds; it doubles with each attempt. Default 250. */
  readonly firstMs?: number;
  /** Upper bound of any delay in milliseconds. Default 8000. */
  readonly maxMs?: number;
}

/** No delay is shorter, in milliseconds, whatever chance says: a refusing peer must not be asked in a tight loop. */
const LEAST_MS = 20;

/**
 * Delays between attempts: exponential with full jitter. Each is drawn evenly from zero to a bound that doubles up to `maxMs`,
 * so that many clients of one failed peer do not come back at the same moment.
 */
export class BackOff {
  readonly #first: number;
  readonly #max: number;
  readonly #random: Random;
  #attempts = 0;

  constructor(random: Random, options: BackOffOptions = {}) {
    this.#random = random;
    this.#first = options.firstMs ?? 250;
    this.#max = options.maxMs ?? 8000;
  }

  /** Delays handed out since the last {@link reset}. */
  get attempts(): number {
    return this.#attempts;
  }

  /** How long to wait now, in milliseconds. */
  next(): number {
    // Beyond 2^30 the bound is `maxMs` anyway, and the power stays exact.
    const bound = Math.min(this.#max, this.#first * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return Math.max(Math.min(LEAST_MS, this.#max), Math.floor(this.#random() * bound));
  }

  /** The peer is well: begin with short delays again. */
  reset(): void {
    this.#attempts = 0;
  }
}
