import { BATCH_CHANNEL, type BatchMessage, type DiagnosticsChannel, type EventMessage } from "./diagnostics.ts";
import type { SyncEvent, SyncEventType } from "./events.ts";
import { Listeners } from "./listeners.ts";
import { METRIC_OF_COUNTER, type MetricLabels, type MetricName } from "./metrics.ts";
import type { SyncSettings } from "./options.ts";
import type { SyncCounter, SyncCounters } from "./status.ts";

type MutableCounters = { -readonly [Name in keyof SyncCounters]: number };

/** Everything a synchroniser tells: events, counters, metrics, diagnostics. */
export class Telemetry {
  readonly #settings: SyncSettings;
  readonly #listeners: Listeners<SyncEvent>;
  readonly #channels = new Map<SyncEventType, DiagnosticsChannel>();
  readonly #batches: DiagnosticsChannel | undefined;
  readonly #labels: MetricLabels;
  readonly #counters: MutableCounters = {
    adds: 0,
    modifies: 0,
    deletes: 0,
    plainBatches: 0,
    atomicBatches: 0,
    bytesSent: 0,
    applied: 0,
    refused: 0,
    withheld: 0,
    unknown: 0,
    retries: 0,
    connects: 0,
    reconnects: 0,
    readBacks: 0,
    readBacksFailed: 0,
    flowsRead: 0,
    bytesRead: 0,
    audits: 0,
    repaired: 0,
    kept: 0,
    adopted: 0,
    expired: 0,
    faults: 0,
  };

  constructor(settings: SyncSettings) {
    this.#settings = settings;
    this.#listeners = new Listeners(settings.logger);
    this.#labels = { switch: settings.name };
    this.#batches = settings.diagnostics?.channel(BATCH_CHANNEL);
  }

  subscribe(listener: (event: SyncEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  emit(event: SyncEvent): void {
    this.#listeners.emit(event);
    const diagnostics = this.#settings.diagnostics;
    if (diagnostics === undefined) return;
    let channel = this.#channels.get(event.type);
    if (channel === undefined) {
      channel = diagnostics.channel(`ofsync:sync:${event.type}`);
      this.#channels.set(event.type, channel);
    }
    if (channel.hasSubscribers) channel.publish({ name: this.#settings.name, event } satisfies EventMessage);
  }

  /** Somebody listens to {@link batch}. */
  get hearsBatches(): boolean {
    return this.#batches?.hasSubscribers === true;
  }

  batch(message: Omit<BatchMessage, "name">): void {
    this.#batches?.publish({ name: this.#settings.name, ...message });
  }

  add(counter: SyncCounter, value = 1): void {
    if (value === 0) return;
    this.#counters[counter] += value;
    const metrics = this.#settings.metrics;
    if (metrics === undefined) return;
    const [name, kind] = METRIC_OF_COUNTER[counter] ?? [];
    if (name !== undefined) metrics.add(name, value, kind === undefined ? this.#labels : { ...this.#labels, kind });
  }

  gauge(name: MetricName, value: number): void {
    this.#settings.metrics?.set(name, value, this.#labels);
  }

  observe(name: MetricName, value: number): void {
    this.#settings.metrics?.observe(name, value, this.#labels);
  }

  counters(): SyncCounters {
    return { ...this.#counters };
  }
}
