import type { Flow } from "../flow/flow.ts";
import type { RemovalReason } from "../transport/transport.ts";
import type { ReadBackResult, ReadPurpose } from "./read-back.ts";
import type { RefusedFlow } from "./report.ts";
import type { SyncState } from "./state.ts";

/**
 * `missing`: a wanted flow is gone. `altered`: it has another value. `unwanted`: a flow that nobody wants is there (foreign, or
 * left over from an earlier life).
 */
export type DriftKind = "missing" | "altered" | "unwanted";

/** What is done about drift. `repaired`: the flow-mod that undoes it is on its way. `kept`: by policy nothing is done. */
export type DriftAction = "repaired" | "removed" | "kept" | "adopted";

/** What a synchroniser tells. `switch` on `type`; new types may be added. */
export type SyncEvent =
  | { readonly type: "state"; readonly state: SyncState; readonly previous: SyncState }
  | { readonly type: "connected"; readonly epoch: number }
  | { readonly type: "disconnected"; readonly epoch: number; readonly reason: string }
  /** The switch has confirmed everything up to `revision`, refused flows aside. */
  | { readonly type: "confirmed"; readonly epoch: number; readonly revision: number }
  /** A flow-mod was refused, or withheld by a rule of ours. Once per try. */
  | { readonly type: "refused"; readonly refused: RefusedFlow }
  /** A flow that had been refused went in. */
  | { readonly type: "accepted"; readonly flow: Flow }
  /** Somebody else changed the switch. `source`: how it was seen. `flow`: what is there now, or what is gone. */
  | {
      readonly type: "drift";
      readonly kind: DriftKind;
      readonly action: DriftAction;
      readonly source: "monitor" | "readBack";
      readonly flow: Flow;
    }
  /** The switch dropped a wanted flow because its time was over; `action` follows the policy. */
  | {
      readonly type: "expired";
      readonly flow: Flow;
      readonly reason: RemovalReason | "readBack";
      readonly action: "forgotten" | "reinstalled";
    }
  | { readonly type: "readBack"; readonly result: ReadBackResult }
  | { readonly type: "readBackFailed"; readonly purpose: ReadPurpose; readonly error: unknown }
  /** A reinstall could not be done in one atomic unit; the flows are overwritten one by one instead. */
  | { readonly type: "reinstallFallback"; readonly reason: string }
  /** An error of ours or of the transport that should not happen; the synchroniser reads back and goes on. */
  | { readonly type: "fault"; readonly error: unknown };

export type SyncEventType = SyncEvent["type"];
