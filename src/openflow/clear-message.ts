import type { ByteWriter } from "../bytes.ts";
import type { WireVersion } from "../flow/version.ts";
import type { ReadFilter } from "../transport/transport.ts";

const FLOW_MOD = 14;
const DELETE = 3;
const ALL_TABLES = 0xff;

/** Appends the flow-mod that deletes every flow which `filter` covers (OpenFlow 1.3 to 1.5; 56 bytes). */
export function appendClear(w: ByteWriter, filter: ReadFilter, version: WireVersion, xid: number): void {
  const at = w.reserve(56);
  const { view } = w;
  view.setUint32(at, (version << 24) | (FLOW_MOD << 16) | 56);
  view.setUint32(at + 4, xid);
  if (filter.cookie !== undefined) {
    const mask = filter.cookieMask ?? 0xffff_ffff_ffff_ffffn;
    view.setBigUint64(at + 8, filter.cookie & mask);
    view.setBigUint64(at + 16, mask);
  }
  view.setUint8(at + 24, filter.table ?? ALL_TABLES);
  view.setUint8(at + 25, DELETE);
  // No buffer, any output port, any group.
  view.setInt32(at + 32, -1);
  view.setInt32(at + 36, -1);
  view.setInt32(at + 40, -1);
  // A match of every packet: type OXM, length 4, padding.
  view.setUint32(at + 48, 0x0001_0004);
}
