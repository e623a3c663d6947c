import { FIELDS, type Field } from "../flow/fields.ts";
import { oxmHeaderFor } from "../flow/oxm.ts";

/**
 * A quick look at instructions that a switch reports in OpenFlow 1.3 to 1.5: are they in canonical form already, so that their
 * bytes can be taken as they are? "Yes" is certain; "no" only means that the common cases do not cover them, and a full decoding
 * must tell.
 *
 * Common cases are apply- and write-actions of output, group, set_queue, set_field of whole bytes, push and pop of VLANs,
 * dec_ttl, resubmit to a table, ct with nat and the like, or of conjunction, besides clear-actions, write-metadata and goto-table.
 * The versions differ in how bits of a register are written: set_field takes a mask in 1.5 only, NXAST_REG_LOAD is there before.
 */

const GOTO = 1;
const METADATA = 2;
const WRITE = 3;
const APPLY = 4;
const CLEAR = 5;

/** Order of execution by instruction type. */
const RANK: readonly number[] = [0, 5, 4, 3, 1, 2];

/** Are the instructions in `bytes[start, end)` surely canonical? `is15`: they came in OpenFlow 1.5. Reads nothing beyond `end`. */
export function isPlainCanonicalInstructions(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  is15 = true,
): boolean {
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
        if (length === 8 || view.getUint32(at + 4) !== 0) return false;
        // Conjunctions stand alone.
        if (at === start && next === end && areConjunctions(view, at + 8, next)) return true;
        if (!arePlainActions(bytes, view, at + 8, next, is15, false)) return false;
        break;
      case WRITE:
        if (length === 8 || view.getUint32(at + 4) !== 0 || !arePlainActions(bytes, view, at + 8, next, is15, true)) return false;
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

function arePlainActions(bytes: Uint8Array, view: DataView, start: number, end: number, is15: boolean, inSet: boolean): boolean {
  for (let at = start; at < end; ) {
    if (end - at < 8) return false;
    const length = view.getUint16(at + 2);
    if (length < 8 || length > end - at || !isPlainAction(bytes, view, at, length, is15, inSet)) return false;
    at += length;
  }
  return true;
}

function isPlainAction(bytes: Uint8Array, view: DataView, at: number, length: number, is15: boolean, inSet: boolean): boolean {
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
      return isPlainSetField(bytes, view, at, length, is15, SETTABLE);
    case 0xffff:
      return !inSet && isPlainExtension(bytes, view, at, length, is15);
    default:
      return false;
  }
}

function isPlainPort(port: number): boolean {
  return port < 0xff00 || port === 0xfffffff8 || (port >= 0xfffffffa && port <= 0xfffffffe);
}

const NICIRA = 0x2320;
const LOAD = 7;
const RESUBMIT = 14;
const CONJUNCTION = 34;
const CT = 35;
const NAT = 36;

function isPlainExtension(bytes: Uint8Array, view: DataView, at: number, length: number, is15: boolean): boolean {
  if (length < 16 || view.getUint32(at + 4) !== NICIRA) return false;
  switch (view.getUint16(at + 8)) {
    case RESUBMIT: {
      // Port, table, padding.
      const port = view.getUint16(at + 10);
      return (
        length === 16 &&
        (port < 0xff00 || port === 0xfff8) &&
        view.getUint8(at + 12) !== 255 &&
        (view.getUint32(at + 12) & 0xffffff) === 0
      );
    }
    case CT:
      return isPlainConnection(bytes, view, at, length, is15);
    case LOAD:
      return !is15 && isPlainLoad(view, at, length);
    default:
      return false;
  }
}

/** A value that fits in the bits of a 32-bit register that are named: where they begin, 6 bits below their number less one. */
function isPlainLoad(view: DataView, at: number, length: number): boolean {
  if (length !== 24 || (view.getUint32(at + 12) & 0xffffe1ff) !== 0x00010004 || view.getUint32(at + 16) !== 0) return false;
  const range = view.getUint16(at + 10);
  const bits = (range & 0x3f) + 1;
  return (range >>> 6) + bits <= 32 && (bits === 32 || view.getUint32(at + 20) >>> bits === 0);
}

function areConjunctions(view: DataView, start: number, end: number): boolean {
  if ((end - start) % 16 !== 0) return false;
  for (let at = start; at < end; at += 16) {
    if (view.getUint32(at) !== 0xffff0010 || view.getUint32(at + 4) !== NICIRA || view.getUint16(at + 8) !== CONJUNCTION)
      return false;
    const clauses = view.getUint8(at + 11);
    if (clauses < 2 || clauses > 64 || view.getUint8(at + 10) >= clauses) return false;
  }
  return true;
}

/** `ct` without a helper: the zone is a number or 16 bits of a register; inside are nat without a range, and ct_mark and ct_label. */
function isPlainConnection(bytes: Uint8Array, view: DataView, at: number, length: number, is15: boolean): boolean {
  if (length < 24 || view.getUint16(at + 10) > 1) return false;
  const commit = view.getUint16(at + 10) === 1;
  const source = view.getUint32(at + 12);
  if (source !== 0) {
    // A register's NXM header, and where its bits begin: 6 bits below hold their number less one.
    if ((source & 0xffffe1ff) !== 0x00010004) return false;
    const range = view.getUint16(at + 16);
    if ((range & 0x3f) !== 15 || range >>> 6 > 16) return false;
  }
  // Padding, and the helper.
  if ((view.getUint32(at + 18) & 0xffffff) !== 0 || view.getUint16(at + 22) !== 0) return false;
  const end = at + length;
  for (let inner = at + 24; inner < end; ) {
    if (end - inner < 8) return false;
    const size = view.getUint16(inner + 2);
    if (size < 8 || size > end - inner) return false;
    const type = view.getUint16(inner);
    if (type === 25) {
      const field = view.getUint32(inner + 4) >>> 9;
      if (
        !commit ||
        (field !== CT_MARK && field !== CT_LABEL) ||
        !isPlainSetField(bytes, view, inner, size, is15, SETTABLE_IN_CT)
      )
        return false;
    } else if (
      type !== 0xffff ||
      size !== 16 ||
      view.getUint32(inner + 4) !== NICIRA ||
      view.getUint32(inner + 8) !== NAT << 16 ||
      view.getUint16(inner + 14) !== 0 ||
      view.getUint16(inner + 12) > (commit ? 2 : 0)
    ) {
      return false;
    }
    inner += size;
  }
  return true;
}

// ct_mark and ct_label may be set inside ct only.
const CT_MARK = (0x0001 << 7) | 107;
const CT_LABEL = (0x0001 << 7) | 108;

// Fields whose bytes may hold anything, and that may be set anywhere.
const PLAIN_FIELDS =
  /^(?:x{0,2}reg\d+|metadata|pkt_mark|tun_id|tun_src|tun_dst|eth_src|eth_dst|ip_src|ip_dst|ipv6_src|ipv6_dst|(?:tcp|udp|sctp)_(?:src|dst)|arp_(?:spa|tpa|sha|tha))$/;

// Their headers without mask bit (class and field) and bytes.
const SETTABLE: ReadonlyMap<number, number> = /* @__PURE__ */ new Map(
  FIELDS.filter(({ name }) => PLAIN_FIELDS.test(name)).map(headerAndBytes),
);

const SETTABLE_IN_CT: ReadonlyMap<number, number> = /* @__PURE__ */ new Map([
  [CT_MARK, 4],
  [CT_LABEL, 16],
]);

function headerAndBytes(field: Field): [number, number] {
  const header = oxmHeaderFor(field, 6);
  return [((header?.oxmClass ?? 0) << 7) | (header?.type ?? 0), field.bytes];
}

function isPlainSetField(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
  is15: boolean,
  settable: ReadonlyMap<number, number>,
): boolean {
  const header = view.getUint32(at + 4);
  const width = settable.get(((header >>> 16) << 7) | ((header >>> 9) & 0x7f));
  if (width === undefined) return false;
  const masked = (header & 0x100) !== 0;
  const payload = masked ? 2 * width : width;
  if ((header & 0xff) !== payload || length !== ((8 + payload + 7) & ~7)) return false;
  if (masked && !(is15 && isPartlyMasked(bytes, at + 8, width))) return false;
  for (let i = at + 8 + payload; i < at + length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function isPartlyMasked(bytes: Uint8Array, value: number, width: number): boolean {
  if (!isMasked(bytes, value, width)) return false;
  for (let i = value + width; i < value + 2 * width; i++) if (bytes[i] !== 0xff) return true;
  return false;
}
