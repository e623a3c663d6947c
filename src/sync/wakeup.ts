import type { Clock, TimerHandle } from "../clock.ts";

const AWAKE: Promise<void> = Promise.resolve();

/**
 * One sleeper, many who may wake it. A wake-up that comes while nobody sleeps is kept for the next sleep. It may wake too early:
 * a timer that was set for an earlier sleep runs on, because somebody who is woken a hundred thousand times a second should not set
 * and clear one each time.
 */
export class Wakeup {
  readonly #clock: Clock;
  #pending = false;
  #resolve: (() => void) | undefined;
  #timer: TimerHandle | undefined;
  /** When the timer runs; `Infinity` without one. */
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    const resolve = this.#resolve;
    if (resolve === undefined) this.#pending = true;
    else {
      this.#resolve = undefined;
      resolve();
    }
  }

  /** Resolves at the next {@link wake}, or when the clock reaches `deadline` (`Infinity`: never by itself). */
  sleep(deadline: number): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return AWAKE;
    }
    if (deadline < this.#timerAt) {
      const delay = deadline - this.#clock.now();
      if (delay <= 0) return AWAKE;
      this.clear();
      this.#timerAt = deadline;
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = undefined;
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.wake();
      }, delay);
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Ends the timer; for the end. */
  clear(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }
}

/** Resolves after `delayMs`; 0 lets the host run what is waiting. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, delayMs);
  });
}
