import type { Clock } from "../clock.ts";

/** One sleeper, many who may wake it. A wake-up that comes while nobody sleeps is kept for the next sleep. */
export class Wakeup {
  readonly #clock: Clock;
  #pending = false;
  #resolve: (() => void) | undefined;

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
  async sleep(deadline: number): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return;
    }
    const delay = deadline - this.#clock.now();
    if (delay <= 0) return;
    let timer: unknown;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
      if (delay !== Number.POSITIVE_INFINITY) timer = this.#clock.setTimeout(() => this.wake(), delay);
    });
    if (timer !== undefined) this.#clock.clearTimeout(timer);
  }
}

/** Resolves after `delayMs`; 0 lets the host run what is waiting. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, delayMs);
  });
}
