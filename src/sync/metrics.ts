import type { SyncCounter } from "./status.ts";

/** A metric's name, kind and meaning: enough to register it with prom-client or OpenTelemetry (`docs/metrics.md`). */
export interface MetricDescription {
  readonly name: MetricName;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly unit?: "bytes" | "seconds";
}

export type MetricName =
  | "ofsync_flow_mods_total"
  | "ofsync_flow_mod_fates_total"
  | "ofsync_retries_total"
  | "ofsync_batches_total"
  | "ofsync_sent_bytes_total"
  | "ofsync_read_bytes_total"
  | "ofsync_read_flows_total"
  | "ofsync_read_backs_total"
  | "ofsync_audits_total"
  | "ofsync_drift_total"
  | "ofsync_connects_total"
  | "ofsync_faults_total"
  | "ofsync_refused_flows"
  | "ofsync_in_sync"
  | "ofsync_confirmation_seconds";

/** `switch`: the synchroniser's name. `kind`: what is told apart inside one metric. */
export type MetricLabels = { readonly switch: string; readonly kind?: string };

/**
 * Where numbers go. Implement it over any metrics library; every call is synchronous, cheap and must not throw.
 * {@link METRICS} lists what will be reported.
 */
export interface Metrics {
  /** Adds to a counter. */
  add(name: MetricName, value: number, labels: MetricLabels): void;
  /** Sets a gauge. */
  set(name: MetricName, value: number, labels: MetricLabels): void;
  /** Records one observation of a histogram. */
  observe(name: MetricName, value: number, labels: MetricLabels): void;
}

/** Every metric that a synchroniser reports. */
export const METRICS: readonly MetricDescription[] = [
  { name: "ofsync_flow_mods_total", kind: "counter", help: "Flow-mods sent; kind: add, modify, delete" },
  { name: "ofsync_flow_mod_fates_total", kind: "counter", help: "Fates of flow-mods; kind: applied, refused, withheld, unknown" },
  { name: "ofsync_retries_total", kind: "counter", help: "Tries of refused flows whose content had not changed" },
  { name: "ofsync_batches_total", kind: "counter", help: "Batches sent; kind: atomic, plain" },
  { name: "ofsync_sent_bytes_total", kind: "counter", unit: "bytes", help: "Bytes of flow-mods sent" },
  { name: "ofsync_read_bytes_total", kind: "counter", unit: "bytes", help: "Bytes of flows read back" },
  { name: "ofsync_read_flows_total", kind: "counter", help: "Flows read back" },
  { name: "ofsync_read_backs_total", kind: "counter", help: "Read-backs; kind: complete, failed" },
  { name: "ofsync_audits_total", kind: "counter", help: "Complete read-backs that looked for drift" },
  {
    name: "ofsync_drift_total",
    kind: "counter",
    help: "Changes that the switch or somebody else made; kind: repaired, kept, adopted, expired",
  },
  { name: "ofsync_connects_total", kind: "counter", help: "Connections" },
  { name: "ofsync_faults_total", kind: "counter", help: "Errors that should not happen" },
  { name: "ofsync_refused_flows", kind: "gauge", help: "Wanted flows that are refused or withheld at the moment" },
  { name: "ofsync_in_sync", kind: "gauge", help: "1 while the switch has confirmed the latest revision, else 0" },
  {
    name: "ofsync_confirmation_seconds",
    kind: "histogram",
    unit: "seconds",
    help: "From a change of the desired table to the switch's confirmation",
  },
];

/** How a counter of {@link SyncStatus} is reported; undefined: it is part of another one. */
export const METRIC_OF_COUNTER: { readonly [Counter in SyncCounter]: readonly [MetricName, string?] | undefined } = {
  adds: ["ofsync_flow_mods_total", "add"],
  modifies: ["ofsync_flow_mods_total", "modify"],
  deletes: ["ofsync_flow_mods_total", "delete"],
  plainBatches: ["ofsync_batches_total", "plain"],
  atomicBatches: ["ofsync_batches_total", "atomic"],
  bytesSent: ["ofsync_sent_bytes_total"],
  applied: ["ofsync_flow_mod_fates_total", "applied"],
  refused: ["ofsync_flow_mod_fates_total", "refused"],
  withheld: ["ofsync_flow_mod_fates_total", "withheld"],
  unknown: ["ofsync_flow_mod_fates_total", "unknown"],
  retries: ["ofsync_retries_total"],
  connects: ["ofsync_connects_total"],
  reconnects: undefined,
  readBacks: ["ofsync_read_backs_total", "complete"],
  readBacksFailed: ["ofsync_read_backs_total", "failed"],
  flowsRead: ["ofsync_read_flows_total"],
  bytesRead: ["ofsync_read_bytes_total"],
  audits: ["ofsync_audits_total"],
  repaired: ["ofsync_drift_total", "repaired"],
  kept: ["ofsync_drift_total", "kept"],
  adopted: ["ofsync_drift_total", "adopted"],
  expired: ["ofsync_drift_total", "expired"],
  faults: ["ofsync_faults_total"],
};
