import { type Logger, silentLogger } from "../log.ts";
import type { TransportEvent } from "./transport.ts";

/** The listeners of a transport: one that throws is reported to the logger and disturbs nobody. */
export class TransportListeners {
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger = silentLogger) {
    this.#logger = logger;
  }

  /** As {@link Transport.subscribe}: a listener that is registered twice hears everything twice. */
  subscribe(listener: (event: TransportEvent) => void): () => void {
    const own = (event: TransportEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  emit(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error("a listener of a transport threw", error);
      }
    }
  }
}
