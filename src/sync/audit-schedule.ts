import type { SyncSettings } from "./options.ts";

/** Share of an interval that is left to chance, so that the audits of many switches spread. */
const JITTER = 0.1;

/** When the next audit is due: as often as the budget of bytes per second allows, within the limits of the options. */
export class AuditSchedule {
  readonly #settings: SyncSettings;
  #isOn = false;
  #lastBytes = 0;
  #nextAt = Number.POSITIVE_INFINITY;

  constructor(settings: SyncSettings) {
    this.#settings = settings;
  }

  /** Clock time; `Infinity` when no audit is to come or one is going on. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** A new connection, on which others' changes are reported or not. */
  connected(hasMonitor: boolean): void {
    const { when } = this.#settings.audit;
    this.#isOn = when === "always" || (when === "withoutMonitor" && !hasMonitor);
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  /** A read-back of this size is complete; it was as good as an audit. */
  readBack(bytes: number): void {
    this.#lastBytes = bytes;
    this.ended();
  }

  begun(): void {
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  /** An audit is over, well or not: the next one is an interval away. */
  ended(): void {
    if (!this.#isOn) return;
    const { bytesPerSecond, minIntervalMs, maxIntervalMs } = this.#settings.audit;
    const affordable = (this.#lastBytes / bytesPerSecond) * 1000;
    const interval = Math.min(maxIntervalMs, Math.max(minIntervalMs, affordable));
    this.#nextAt = this.#settings.clock.now() + interval * (1 + JITTER * this.#settings.random());
  }
}
