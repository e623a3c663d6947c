import type { RemovalReason } from "../transport/transport.ts";

/** By OpenFlow's number (`ofp_flow_removed_reason`, 1.5.1 §7.4.4). */
const REASONS: readonly RemovalReason[] = ["idleTimeout", "hardTimeout", "delete", "groupDelete", "meterDelete", "eviction"];

/** Why a flow went, by OpenFlow's number. */
export function removalReason(number: number): RemovalReason {
  return REASONS[number] ?? "other";
}
