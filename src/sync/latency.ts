/** From a change of the desired table to the switch's confirmation, milliseconds. */
export interface LatencyStatus {
  /** How many were measured. */
  readonly count: number;
  /** The latest; undefined before the first. */
  readonly lastMs: number | undefined;
  readonly meanMs: number | undefined;
  readonly maxMs: number | undefined;
}

const MAX_WAITING = 1024;

/**
 * Measures the time from a revision's change to its confirmation. At most 1024 revisions are followed at a time; while that
 * many wait, further ones are not measured, so a storm of changes costs no memory.
 */
export class LatencyMeter {
  readonly #revisions: number[] = [];
  readonly #times: number[] = [];
  #count = 0;
  #sum = 0;
  #last: number | undefined;
  #max: number | undefined;

  /** A change waits for its confirmation. */
  get isWaiting(): boolean {
    return this.#revisions.length > 0;
  }

  changed(revision: number, now: number): void {
    if (this.#revisions.length >= MAX_WAITING) return;
    this.#revisions.push(revision);
    this.#times.push(now);
  }

  /** Everything up to `revision` is confirmed; `each` gets every latency that this completes. */
  confirmed(revision: number, now: number, each: (milliseconds: number) => void): void {
    let done = 0;
    while (done < this.#revisions.length && (this.#revisions[done] as number) <= revision) {
      const milliseconds = now - (this.#times[done] as number);
      this.#count++;
      this.#sum += milliseconds;
      this.#last = milliseconds;
      if (this.#max === undefined || milliseconds > this.#max) this.#max = milliseconds;
      each(milliseconds);
      done++;
    }
    if (done === this.#revisions.length) {
      this.#revisions.length = 0;
      this.#times.length = 0;
    } else if (done > 0) {
      this.#revisions.splice(0, done);
      this.#times.splice(0, done);
    }
  }

  status(): LatencyStatus {
    return {
      count: this.#count,
      lastMs: this.#last,
      meanMs: this.#count === 0 ? undefined : this.#sum / this.#count,
      maxMs: this.#max,
    };
  }
}
