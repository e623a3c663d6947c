import type { Clock } from "../clock.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import type { BatchResult, SendOptions, Transport } from "../transport/transport.ts";
import type { RefusalError } from "./report.ts";
import type { Telemetry } from "./telemetry.ts";

/** The fates of a batch by index. */
export interface BatchOutcome {
  readonly fate: "applied" | "unknown";
  readonly refused: ReadonlyMap<number, RefusalError>;
  readonly unknown: ReadonlySet<number>;
}

export const UNKNOWN_OUTCOME: BatchOutcome = { fate: "unknown", refused: new Map(), unknown: new Set() };

/** The way that batches take, and who counts them. */
export interface BatchRoad {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly guard: SendOptions["guard"];
  /** Is the connection on which the batch was sent still up? */
  isCurrent(): boolean;
}

/**
 * Hands one batch to the transport and counts it. An answer counts only while the connection that gave it is still up
 * (`isCurrent`): what a lost connection said may be undone by now.
 */
export function sendBatch(road: BatchRoad, batch: FlowModBatch, options: SendOptions): Promise<BatchOutcome> {
  const { transport, clock, guard, telemetry } = road;
  const begun = telemetry.hearsBatches ? clock.now() : undefined;
  const { epoch } = transport;
  let answer: Promise<BatchResult>;
  try {
    answer = transport.send(batch, guard === undefined ? options : { ...options, guard });
  } catch (error) {
    return Promise.reject(error);
  }
  return answer.then((result) => {
    const outcome: BatchOutcome = result.epoch === epoch && road.isCurrent() ? result : UNKNOWN_OUTCOME;
    count(road, batch, options.atomic === true, outcome, { epoch, begun, bytes: result.bytes });
    return outcome;
  });
}

function count(
  { telemetry, clock }: BatchRoad,
  batch: FlowModBatch,
  atomic: boolean,
  outcome: BatchOutcome,
  { epoch, begun, bytes }: { readonly epoch: number; readonly begun: number | undefined; readonly bytes: number },
): void {
  telemetry.add("adds", batch.counts.add);
  telemetry.add("modifies", batch.counts.modify);
  telemetry.add("deletes", batch.counts.delete);
  telemetry.add(atomic ? "atomicBatches" : "plainBatches");
  telemetry.add("bytesSent", bytes);
  if (begun === undefined) return;
  const unknown = unknownCount(batch, outcome);
  telemetry.batch({
    epoch,
    flowMods: batch.length,
    atomic,
    applied: batch.length - outcome.refused.size - unknown,
    refused: outcome.refused.size,
    unknown,
    bytes,
    milliseconds: clock.now() - begun,
  });
}

/** How many flow-mods of the batch ended with an unknown fate. */
export function unknownCount(batch: FlowModBatch, outcome: BatchOutcome): number {
  return outcome.fate === "unknown" ? batch.length - outcome.refused.size : outcome.unknown.size;
}
