import { FIELDS, type Field } from "../flow/fields.ts";
import { oxmHeaderFor } from "../flow/oxm.ts";

/**
 * A quick look at OpenFlow 1.5 instructions that a switch reports: are they in canonical form already, so that their bytes can be
 * taken as they are? "Yes" is certain; "no" only means that the common cases do not cover them, and a full decoding must tell.
 *
 * Common cases are apply- and write-actions of output, group, set_queue, set_field of whole bytes, push and pop of VLANs,
 * dec_ttl, resubmit to a table and conjunction, besides clear-actions, write-metadata and goto-table.
 */

const GOTO = 1;
const METADATA = 2;
const WRITE = 3;
const APPLY = 4;
const CLEAR = 5;

/** Order of execution by instruction type. */
const RANK: readonly number[] = [0, 5, 4, 3, 1, 2];

/** Are the instructions in `bytes[start, end)` surely canonical? Reads nothing beyond `end`. */
export function isPlainCanonicalInstructions(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let rank = 0;
  for (let at = start; at < end; ) {
    if (end - at < 8) return false;
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const own = RANK[type] ?? 0;
    if (own <= rank || length < 8 || length > end - at) return false;
    rank = own;
    const next = at + length;
    switch (type) {
      case APPLY:
        if (length === 8 || view.getUint32(at + 4) !== 0 || !arePlainActions(bytes, view, at + 8, next, false)) return false;
        break;
      case WRITE:
        if (view.getUint32(at + 4) !== 0 || !arePlainActions(bytes, view, at + 8, next, true)) return false;
        break;
      case CLEAR:
        if (length !== 8 || view.getUint32(at + 4) !== 0) return false;
        break;
      case METADATA:
        if (length !== 24 || view.getUint32(at + 4) !== 0 || !isMasked(bytes, at + 8, 8)) return false;
        break;
      case GOTO:
        if (length !== 8 || (view.getUint32(at + 4) & 0xffffff) !== 0) return false;
        break;
      default:
        return false;
    }
    at = next;
  }
  return true;
}

/** No value bit outside the mask behind it, and some mask bit. */
function isMasked(bytes: Uint8Array, value: number, width: number): boolean {
  let any = 0;
  for (let i = value; i < value + width; i++) {
    const mask = bytes[i + width] as number;
    any |= mask;
    if (((bytes[i] as number) & ~mask) !== 0) return false;
  }
  return any !== 0;
}

function arePlainActions(bytes: Uint8Array, view: DataView, start: number, end: number, inSet: boolean): boolean {
  for (let at = start; at < end; ) {
    if (end - at < 8) return false;
    const length = view.getUint16(at + 2);
    if (length < 8 || length > end - at || !isPlainAction(bytes, view, at, length, inSet)) return false;
    at += length;
  }
  return true;
}

function isPlainAction(bytes: Uint8Array, view: DataView, at: number, length: number, inSet: boolean): boolean {
  switch (view.getUint16(at)) {
    case 0: // output
      return (
        length === 16 && isPlainPort(view.getUint32(at + 4)) && view.getUint32(at + 10) === 0 && view.getUint16(at + 14) === 0
      );
    case 18: // pop_vlan
    case 24: // dec_ttl
      return length === 8 && view.getUint32(at + 4) === 0;
    case 17: {
      // push_vlan
      const word = view.getUint32(at + 4);
      return length === 8 && (word === 0x81000000 || word === 0x88a80000);
    }
    case 21: // set_queue
      return length === 8;
    case 22: // group
      return length === 8 && view.getUint32(at + 4) <= 0xffffff00;
    case 25:
      return isPlainSetField(bytes, view, at, length);
    case 0xffff:
      return !inSet && isPlainExtension(view, at, length);
    default:
      return false;
  }
}

function isPlainPort(port: number): boolean {
  return port < 0xff00 || port === 0xfffffff8 || (port >= 0xfffffffa && port <= 0xfffffffe);
}

function isPlainExtension(view: DataView, at: number, length: number): boolean {
  if (length !== 16 || view.getUint32(at + 4) !== 0x2320) return false;
  switch (view.getUint16(at + 8)) {
    case 14: {
      // resubmit to a table: port, table, padding
      const port = view.getUint16(at + 10);
      return (port < 0xff00 || port === 0xfff8) && view.getUint8(at + 12) !== 255 && (view.getUint32(at + 12) & 0xffffff) === 0;
    }
    default:
      return false;
  }
}

// Fields whose bytes may hold anything, and that may be set anywhere.
const PLAIN_FIELDS =
  /^(?:x{0,2}reg\d+|metadata|pkt_mark|tun_id|tun_src|tun_dst|eth_src|eth_dst|ip_src|ip_dst|ipv6_src|ipv6_dst|(?:tcp|udp|sctp)_(?:src|dst)|arp_(?:spa|tpa|sha|tha))$/;

// Their headers without mask bit (class and field) and bytes.
const SETTABLE: ReadonlyMap<number, number> = /* @__PURE__ */ new Map(
  FIELDS.filter(({ name }) => PLAIN_FIELDS.test(name)).map(headerAndBytes),
);

function headerAndBytes(field: Field): [number, number] {
  const header = oxmHeaderFor(field, 6);
  return [((header?.oxmClass ?? 0) << 7) | (header?.type ?? 0), field.bytes];
}

function isPlainSetField(bytes: Uint8Array, view: DataView, at: number, length: number): boolean {
  const header = view.getUint32(at + 4);
  const width = SETTABLE.get(((header >>> 16) << 7) | ((header >>> 9) & 0x7f));
  if (width === undefined) return false;
  const masked = (header & 0x100) !== 0;
  const payload = masked ? 2 * width : width;
  if ((header & 0xff) !== payload || length !== ((8 + payload + 7) & ~7)) return false;
  if (masked && !isPartlyMasked(bytes, at + 8, width)) return false;
  for (let i = at + 8 + payload; i < at + length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function isPartlyMasked(bytes: Uint8Array, value: number, width: number): boolean {
  if (!isMasked(bytes, value, width)) return false;
  for (let i = value + width; i < value + 2 * width; i++) if (bytes[i] !== 0xff) return true;
  return false;
}
