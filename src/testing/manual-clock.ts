import type { Clock, TimerHandle } from "../clock.ts";

interface Timer {
  readonly due: number;
  /** Breaks ties: timers that are due together run in the order in which they were set. */
  readonly number: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number;
  #lastNumber = 0;
  readonly #timers = new Set<Timer>();

  /** `startMs`: what {@link now} says at first, default 0. */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  /** Timers that are set and have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), number: ++this.#lastNumber, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  /** Lets `ms` milliseconds pass and runs every timer that becomes due, each at its time, those set meanwhile included. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) this.#run(timer);
    this.#now = end;
  }

  /**
   * Like {@link advance}, but lets promises settle before the first timer, after each and at the end: code that awaits between
   * two timers behaves as it would in real time.
   */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settlePromises();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#run(timer);
      await settlePromises();
    }
    this.#now = end;
  }

  /** Lets time pass, promises included, until `condition` holds. Throws when it does not within `limitMs`, default an hour. */
  async runUntil(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#now + limitMs;
    await settlePromises();
    while (!condition()) {
      const timer = this.#next(end);
      if (timer === undefined) throw new Error(`the condition did not come true within ${limitMs} ms of manual time`);
      this.#run(timer);
      await settlePromises();
    }
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due > until) continue;
      if (first === undefined || timer.due < first.due || (timer.due === first.due && timer.number < first.number)) first = timer;
    }
    return first;
  }

  #run(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.callback();
  }
}

/** Resolves when every promise that can settle without a timer or outside help has done so. */
export function settlePromises(): Promise<void> {
  // A task of its own begins only when no microtask is left.
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
