import type { FlowModCommand } from "../diff/flow-mod.ts";
import type { OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import type { SwitchError } from "../transport/transport.ts";

/**
 * Why a flow is not in the switch although it is wanted: the switch's own error, or one of ours (an `OfsyncError`):
 * `SYNC_OCCUPIED`, a foreign flow sits on its key; `SYNC_OUTSIDE_OWNERSHIP`, its cookie is not one of ours; `SYNC_EVICTED`, the
 * switch dropped it because its table is full.
 */
export type RefusalError = SwitchError | OfsyncError;

/** A flow-mod that did not go in. */
export interface RefusedFlow {
  readonly command: FlowModCommand;
  /** The flow that was sent (of a `delete`: the flow that is still there). */
  readonly flow: Flow;
  readonly error: RefusalError;
  /** How often this very content was refused, in a row. */
  readonly attempts: number;
  /** Milliseconds until it is tried again, unless its content changes before; `Infinity` when only an event can help. */
  readonly retryInMs: number;
}

/** What `settled` resolves with. */
export interface SettledReport {
  /** Everything up to this revision of the desired table is in the switch, except `refused`. At least what was asked for. */
  readonly revision: number;
  /** The connection on which the switch confirmed it. */
  readonly epoch: number;
  /** Wanted flows that are not in the switch, and why. Empty when the switch holds every one. */
  readonly refused: readonly RefusedFlow[];
  /** Revisions of the desired table after `revision` that are not confirmed yet; 0 when nothing is left to do. */
  readonly pending: number;
}
