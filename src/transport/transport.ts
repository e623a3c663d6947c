import type { FlowModBatch, FlowModView } from "../diff/flow-mod.ts";
import type { Flow } from "../flow/flow.ts";

/** A switch's refusal. */
export interface SwitchError {
  /** Such as `OFPFMFC_TABLE_FULL`; `UNKNOWN_ERROR` when the pair of numbers has no name. */
  readonly name: string;
  /** OpenFlow error type and code as the switch sent them. */
  readonly type: number;
  readonly code: number;
}

/** The fate of one flow-mod. `unknown`: it may or may not have taken effect; only reading the switch back can tell. */
export type FlowModFate = "applied" | "refused" | "unknown";

/** The fates of one batch. */
export interface BatchResult {
  /** Which connection the answers came from: {@link Transport.epoch} at the time of sending. */
  readonly epoch: number;
  /** Fate of every flow-mod without an entry in `refused` and `unknown`. */
  readonly fate: "applied" | "unknown";
  /** By index in the batch. */
  readonly refused: ReadonlyMap<number, SwitchError>;
  /** Indexes whose fate is unknown although `fate` is `applied`. */
  readonly unknown: ReadonlySet<number>;
  /** Bytes written for this batch, as far as the transport can tell; 0 otherwise. */
  readonly bytes: number;
}

/** A flow as a switch reports it. */
export interface InstalledFlow {
  readonly flow: Flow;
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  /** Seconds since the flow was added. */
  readonly durationSeconds: number;
}

/**
 * A run of flows that a switch reported, packed: objects are made by `at` and by iterating, numbers and byte ranges by `read`
 * (`command` is then 0 and means nothing). `installedFlowChunk` in `transport/installed-flow-chunk.ts` makes one from objects.
 */
export interface InstalledFlowChunk extends Iterable<InstalledFlow> {
  readonly length: number;
  at(index: number): InstalledFlow;
  read(index: number, into: FlowModView): void;
}

/** Which flows to read. */
export interface ReadFilter {
  /** One table; default all. */
  readonly table?: number;
  /** Only flows whose cookie equals `cookie` under `cookieMask`. */
  readonly cookie?: bigint;
  readonly cookieMask?: bigint;
}

/** Why a switch dropped a flow by itself or on somebody's order. */
export type RemovalReason = "idleTimeout" | "hardTimeout" | "delete" | "groupDelete" | "meterDelete" | "eviction" | "other";

/** What a transport tells without being asked. */
export type TransportEvent =
  /** A connection is ready for use; `epoch` is its number. */
  | { readonly type: "up"; readonly epoch: number }
  /** The connection of `epoch` is gone. All its unanswered batches end as `unknown`. */
  | { readonly type: "down"; readonly epoch: number; readonly reason: string }
  /** The switch dropped a flow (FLOW_REMOVED). */
  | { readonly type: "removed"; readonly flow: Flow; readonly reason: RemovalReason }
  /** A flow monitor saw somebody's change. `own` = it was made through this transport. */
  | {
      readonly type: "changed";
      readonly change: "added" | "modified" | "deleted";
      readonly flow: Flow;
      readonly own: boolean;
      /** Why the flow was deleted, where the switch tells. */
      readonly reason?: RemovalReason;
    }
  /** A flow monitor lost events: what was said so far may be out of date, read back. */
  | { readonly type: "gap" };

/** What the switch at the other end can do. Known once the transport is up. */
export interface TransportCapabilities {
  /** Batches can be applied all or nothing. */
  readonly atomic: boolean;
  /** Others' changes are reported as `changed` events. */
  readonly monitor: boolean;
  /** `importance` is carried. */
  readonly importance: boolean;
}

/** How a batch is to be sent. */
export interface SendOptions {
  /** All or nothing. Throws `TRANSPORT_UNSUPPORTED` where the transport cannot. Default false. */
  readonly atomic?: boolean;
  /** Before anything else, delete every flow that this filter covers; with `atomic`, in the same atomic unit (reinstall). */
  readonly clearFirst?: ReadFilter;
  /**
   * Flow-mods `modify` and `delete` act only on a flow whose cookie equals `cookie` under `cookieMask`; on another one they do
   * nothing and count as applied. So what somebody else wrote over a flow of ours meanwhile stays untouched. 64 bits, unsigned.
   */
  readonly guard?: { readonly cookie: bigint; readonly cookieMask: bigint };
}

/**
 * Whatever takes flow-mods to a switch and reports each one's fate. `docs/custom-transport.md` shows how to write one;
 * `transportConformance` in `ofsync/testing` checks it.
 *
 * Rules every transport keeps:
 * - The order of a batch is the order at the switch, and batches keep the order of the calls to `send`.
 * - `send` settles exactly once, and never rejects because of the switch or the connection: that is what fates are for.
 *   `applied` is said only after the switch has confirmed on the connection that is still up; when the connection goes,
 *   every unconfirmed flow-mod is `unknown`, and no answer of an older connection is ever used. Without a connection a batch
 *   ends as `unknown` at once. A batch without flow-mods is confirmed like any other.
 * - A refused flow-mod does not stop the others of its batch unless `atomic` was asked for; then none is applied:
 *   the culprit is in `refused`, all others are refused with the same error's name prefixed `BATCH_`.
 * - `readFlows` yields every flow that the filter covers or throws; it never ends early as if complete. It shows at least
 *   what was confirmed before its first chunk was asked for. Leaving it early harms nothing.
 * - Events come in the order in which things happened; listeners that throw do not disturb the transport.
 */
export interface Transport {
  /** Counts connections; grows by one with each `up`. 0 = never up. */
  readonly epoch: number;
  readonly isUp: boolean;
  readonly capabilities: TransportCapabilities;
  /** True while the switch is behind: building more now would only fill memory. */
  readonly isBacklogged: boolean;
  /** Begins to connect, and keeps trying until {@link close}. Calling it again, or after `close`, does nothing. */
  open(): void;
  send(batch: FlowModBatch, options?: SendOptions): Promise<BatchResult>;
  /** Reads the switch's flows. Throws {@link OfsyncError} `TRANSPORT_DOWN` when not up or when the connection goes meanwhile. */
  readFlows(filter?: ReadFilter): AsyncIterable<InstalledFlowChunk>;
  /** Resolves when {@link isBacklogged} is false or the connection is gone. */
  drained(): Promise<void>;
  /** Registers a listener; the returned function removes it. */
  subscribe(listener: (event: TransportEvent) => void): () => void;
  /** Closes for good; unanswered batches end as `unknown`. The switch keeps its flows. Safe to call twice. */
  close(): Promise<void>;
}
