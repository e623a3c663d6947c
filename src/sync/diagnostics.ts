/**
 * Where a synchroniser publishes what it does, in the shape of Node's `diagnostics_channel`, so that this room needs nothing
 * of Node. `nodeDiagnostics` in `ofsync/openflow` is the binding.
 */
export interface DiagnosticsChannel {
  /** False: messages are not even made. */
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

export interface Diagnostics {
  /** The channel of this name. Called once per name and synchroniser. */
  channel(name: string): DiagnosticsChannel;
}

/** Names of the channels: `ofsync:sync:` and the type of the event ({@link SyncEvent}), and one for batches. */
export const BATCH_CHANNEL = "ofsync:sync:batch";

/** Message on `ofsync:sync:<event type>`. */
export interface EventMessage {
  readonly name: string;
  readonly event: unknown;
}

/** Message on {@link BATCH_CHANNEL}, when the batch is answered. */
export interface BatchMessage {
  readonly name: string;
  readonly epoch: number;
  readonly flowMods: number;
  readonly atomic: boolean;
  readonly applied: number;
  readonly refused: number;
  readonly unknown: number;
  readonly bytes: number;
  /** Milliseconds from sending to the last answer. */
  readonly milliseconds: number;
}
