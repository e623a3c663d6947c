import type { Clock } from "../clock.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import type { SendOptions, Transport } from "../transport/transport.ts";
import type { RefusalError } from "./report.ts";
import type { Telemetry } from "./telemetry.ts";

/** The fates of a batch by index. */
export interface BatchOutcome {
  readonly fate: "applied" | "unknown";
  readonly refused: ReadonlyMap<number, RefusalError>;
  readonly unknown: ReadonlySet<number>;
}

export const UNKNOWN_OUTCOME: BatchOutcome = { fate: "unknown", refused: new Map(), unknown: new Set() };

/**
 * Hands one batch to the transport and counts it. An answer counts only while the connection that gave it is still up
 * (`isCurrent`): what a lost connection said may be undone by now.
 */
export async function sendBatch(
  to: {
    readonly transport: Transport;
    readonly clock: Clock;
    readonly telemetry: Telemetry;
    readonly guard: SendOptions["guard"];
    isCurrent(): boolean;
  },
  batch: FlowModBatch,
  options: SendOptions,
): Promise<BatchOutcome> {
  const { transport, clock, telemetry, guard } = to;
  const begun = clock.now();
  const epoch = transport.epoch;
  const result = await transport.send(batch, guard === undefined ? options : { ...options, guard });
  const outcome: BatchOutcome = result.epoch === epoch && to.isCurrent() ? result : UNKNOWN_OUTCOME;
  const atomic = options.atomic === true;
  telemetry.add("adds", batch.counts.add);
  telemetry.add("modifies", batch.counts.modify);
  telemetry.add("deletes", batch.counts.delete);
  telemetry.add(atomic ? "atomicBatches" : "plainBatches");
  telemetry.add("bytesSent", result.bytes);
  telemetry.batch(() => {
    const unknown = unknownCount(batch, outcome);
    return {
      epoch,
      flowMods: batch.length,
      atomic,
      applied: batch.length - outcome.refused.size - unknown,
      refused: outcome.refused.size,
      unknown,
      bytes: result.bytes,
      milliseconds: clock.now() - begun,
    };
  });
  return outcome;
}

/** How many flow-mods of the batch ended with an unknown fate. */
export function unknownCount(batch: FlowModBatch, outcome: BatchOutcome): number {
  return outcome.fate === "unknown" ? batch.length - outcome.refused.size : outcome.unknown.size;
}
