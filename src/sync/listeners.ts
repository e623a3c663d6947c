import type { Logger } from "../log.ts";

/** A set of listeners. One that throws is logged and disturbs neither the others nor the caller. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The returned function removes the listener; calling it again does nothing. */
  add(listener: (event: Event) => void): () => void {
    const own = (event: Event): void => listener(event);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  emit(event: Event): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error("a listener of synchroniser events failed", error);
      }
    }
  }
}
