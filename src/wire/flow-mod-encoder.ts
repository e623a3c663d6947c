import type { ByteWriter } from "../bytes.ts";
import type { FlowModView } from "../flow/packed-flow.ts";
import type { WireVersion } from "../flow/version.ts";
import { beginBundleAdd, endBundleAdd } from "./bundle.ts";
import { putInstructionBytes, putMatchBytes } from "./flow-body.ts";

/** Bytes of header and fixed part of a flow-mod. */
const FLOW_MOD_BYTES = 48;
/** OpenFlow type byte. */
const FLOW_MOD = 14;
/** Wire command by {@link FlowModView.command}: ADD, MODIFY_STRICT, DELETE_STRICT. */
const COMMANDS: readonly number[] = [0, 2, 4];

/** Restricts `modify` and `delete` to flows whose cookie is `cookie` under `mask`; 64 bits each, in halves. */
export interface CookieGuard {
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly maskHigh: number;
  readonly maskLow: number;
}

/**
 * Appends the flow-mod for one key: OpenFlow 1.3 to 1.5, always strict, any output port and group, no buffer. A `modify` and
 * a `delete` match every cookie, or those that `guard` names, and carry no flags, so that neither counters nor cookie change. In
 * OpenFlow 1.5 match and instructions are copied; earlier versions translate them.
 *
 * Throws {@link OfsyncError} with `openflowError` when the version cannot carry the match or the instructions; nothing is
 * then appended. Hot path: no object per call in OpenFlow 1.5.
 */
export function encodeFlowMod(w: ByteWriter, view: FlowModView, version: WireVersion, xid: number, guard?: CookieGuard): void {
  const start = w.length;
  try {
    putFlowMod(w, view, version, xid, guard);
  } catch (error) {
    w.length = start;
    throw error;
  }
}

/**
 * The same inside a bundle: BUNDLE_ADD_MESSAGE of OpenFlow 1.4 and later, ONF's extension in 1.3. Inner and outer xid are
 * `xid`, as the standard demands. Nothing is appended when it throws.
 */
export function encodeBundledFlowMod(
  w: ByteWriter,
  view: FlowModView,
  version: WireVersion,
  xid: number,
  bundleId: number,
  bundleFlags: number,
  guard?: CookieGuard,
): void {
  const start = w.length;
  try {
    beginBundleAdd(w, version, xid, bundleId, bundleFlags);
    putFlowMod(w, view, version, xid, guard);
    endBundleAdd(w, start);
  } catch (error) {
    w.length = start;
    throw error;
  }
}

function putFlowMod(w: ByteWriter, flow: FlowModView, version: WireVersion, xid: number, guard: CookieGuard | undefined): void {
  const start = w.reserve(FLOW_MOD_BYTES);
  const { view } = w;
  const command = flow.command;
  const add = command === 0;
  view.setUint32(start, (version << 24) | (FLOW_MOD << 16));
  view.setUint32(start + 4, xid);
  if (add) {
    view.setUint32(start + 8, flow.cookieHigh);
    view.setUint32(start + 12, flow.cookieLow);
  } else if (guard !== undefined) {
    view.setUint32(start + 8, guard.cookieHigh);
    view.setUint32(start + 12, guard.cookieLow);
    view.setUint32(start + 16, guard.maskHigh);
    view.setUint32(start + 20, guard.maskLow);
  }
  view.setUint32(start + 24, (flow.table << 24) | ((COMMANDS[command] as number) << 16));
  view.setUint16(start + 26, add ? flow.idleTimeout : 0);
  view.setUint16(start + 28, add ? flow.hardTimeout : 0);
  view.setUint16(start + 30, flow.priority);
  view.setInt32(start + 32, -1);
  view.setInt32(start + 36, -1);
  view.setInt32(start + 40, -1);
  if (add) {
    view.setUint16(start + 44, flow.flags);
    if (version >= 5) view.setUint16(start + 46, flow.importance);
  }
  putMatchBytes(w, flow.matchBuffer, flow.matchStart, flow.matchLength, version);
  if (command !== 2) {
    putInstructionBytes(
      w,
      flow.instructionsBuffer,
      flow.instructionsStart,
      flow.instructionsLength,
      version,
      flow.matchBuffer,
      flow.matchStart,
      flow.matchLength,
    );
  }
  w.view.setUint16(start + 2, w.length - start);
}
