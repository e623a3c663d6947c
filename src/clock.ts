/**
 * Injected time and chance. Nothing below `openflow/` and `cli/` reads a clock, starts a timer or draws a random number by
 * itself, so every behaviour can be tested without waiting.
 */

/** A running timer; opaque to the library. */
export type TimerHandle = unknown;

/** Time in milliseconds from an arbitrary origin, never going backwards, and one-shot timers. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `callback` once, after at least `delayMs` milliseconds. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}

/** The host's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** The host's source of randomness. */
export const systemRandom: Random = Math.random;
