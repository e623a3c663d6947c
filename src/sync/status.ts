import type { LatencyStatus } from "./latency.ts";
import type { SyncState } from "./state.ts";

/** Totals since the synchroniser was made. */
export interface SyncCounters {
  /** Flow-mods given to the transport, by kind; a flow-mod that is sent again counts again. */
  readonly adds: number;
  readonly modifies: number;
  readonly deletes: number;
  /** Batches given to the transport, flow by flow and as atomic units. */
  readonly plainBatches: number;
  readonly atomicBatches: number;
  /** Bytes of flow-mods, as the transport counts them. */
  readonly bytesSent: number;
  /** Flow-mods whose fate was confirmed as applied, refused by the switch, withheld by a rule of ours, never told. */
  readonly applied: number;
  readonly refused: number;
  readonly withheld: number;
  readonly unknown: number;
  /** Tries of refused flows with unchanged content. */
  readonly retries: number;
  /** Connections, and how many of them after the first. */
  readonly connects: number;
  readonly reconnects: number;
  /** Complete read-backs, failed ones, and what the complete ones brought. */
  readonly readBacks: number;
  readonly readBacksFailed: number;
  readonly flowsRead: number;
  readonly bytesRead: number;
  /** Read-backs that were audits. */
  readonly audits: number;
  /** Somebody else's changes that were undone, left alone, taken over. */
  readonly repaired: number;
  readonly kept: number;
  readonly adopted: number;
  /** Flows that the switch dropped because their time was over. */
  readonly expired: number;
  /** Errors that should not happen. */
  readonly faults: number;
}

export type SyncCounter = keyof SyncCounters;

/** What a synchroniser can say about itself at any moment. Plain data. */
export interface SyncStatus {
  readonly name: string;
  readonly state: SyncState;
  readonly connected: boolean;
  /** Number of the present or last connection; 0 before the first. */
  readonly epoch: number;
  /** The desired table's revision now. */
  readonly revision: number;
  /** What the switch has confirmed on the present connection; undefined when nothing is. */
  readonly confirmedRevision: number | undefined;
  /** Flow-mods sent and not answered. */
  readonly outstanding: number;
  /** Flows that are wanted and refused or withheld. */
  readonly refused: number;
  /** Callers waiting in `settled`. */
  readonly waiting: number;
  /** Foreign flows known, when `ownership` is set. */
  readonly foreign: number;
  readonly auditing: boolean;
  readonly latency: LatencyStatus;
  readonly counters: SyncCounters;
}
