import { toHex } from "../bytes.ts";
import type { FlowModView } from "../diff/flow-mod.ts";
import type { FlowKey } from "../flow/flow.ts";

/** A key as a string for small maps (refused flows, flows with timeouts). Equal exactly for equal keys. */
export function keyText(key: FlowKey): string {
  return `${key.table},${key.priority},${toHex(key.match.bytes)}`;
}

/** {@link keyText} of the flow in `view`. */
export function keyTextOfView(view: FlowModView): string {
  return `${view.table},${view.priority},${toHex(view.matchBuffer.subarray(view.matchStart, view.matchStart + view.matchLength))}`;
}
