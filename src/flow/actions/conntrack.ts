/** Connection tracking: ct, nat, ct_clear, and clone, which nests actions in the same way. */
import { formatIpv4, formatIpv6 } from "../address-text.ts";
import type { Action, CtAction, NatAction } from "./action.ts";
import {
  type ActionSink,
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
  withPath,
} from "./codec.ts";
import { checkSource, nxmHeader, packRange, readPackedBits, resolveBits, subfieldOf } from "./subfield.ts";
import { ipv4Bytes, ipv6Bytes } from "./values.ts";

const COMMIT = 1;
const FORCE = 2;
/** "The tracked packet goes on nowhere." */
const NO_TABLE = 0xff;
const FTP = 21;
const TFTP = 69;

const NAT_SRC = 1;
const NAT_DST = 2;
const PERSISTENT = 4;
const HASH = 8;
const RANDOM = 16;

// Which parts of a range follow.
const IPV4_MIN = 1;
const IPV4_MAX = 2;
const IPV6_MIN = 4;
const IPV6_MAX = 8;
const PORT_MIN = 16;
const PORT_MAX = 32;

function nested(actions: readonly Action[], sink: ActionSink): void {
  try {
    sink.actions(actions);
  } catch (error) {
    throw withPath(error, "actions");
  }
}

function algNumber(alg: CtAction["alg"]): number {
  if (alg === undefined) return 0;
  if (alg === "ftp") return FTP;
  if (alg === "tftp") return TFTP;
  return whole(alg, "alg", 0xffff);
}

function encodeCt(action: CtAction, sink: ActionSink): void {
  const { w } = sink;
  const at = openNicira(w, 35, 24);
  w.view.setUint16(at + 10, (action.commit === true ? COMMIT : 0) | (action.force === true ? FORCE : 0));
  if (typeof action.zone === "object") {
    const bits = resolveBits(action.zone, "zone");
    w.view.setUint32(at + 12, nxmHeader(bits.field));
    w.view.setUint16(at + 16, packRange(bits));
  } else w.view.setUint16(at + 16, whole(action.zone ?? 0, "zone", 0xffff));
  w.view.setUint8(at + 18, action.table === undefined ? NO_TABLE : whole(action.table, "table", 255));
  w.view.setUint16(at + 22, algNumber(action.alg));
  nested(action.actions ?? [], sink);
  closeAction(w, at);
}

function isBareNat(action: Action): boolean {
  return (
    action.type === "nat" &&
    action.direction === undefined &&
    action.address === undefined &&
    action.persistent !== true &&
    action.hash !== true &&
    action.random !== true
  );
}

function decodeCt(raw: RawAction): CtAction {
  const flags = raw.u16(10);
  if ((flags & FORCE) !== 0 && (flags & COMMIT) === 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "ct has force without commit", 10);
  let zone: CtAction["zone"];
  if (raw.u32(12) === 0) zone = raw.u16(16);
  else {
    const bits = readPackedBits(raw, 16, 12);
    checkSource(raw, bits, 16);
    if (bits.bits !== 16) raw.refuse("OFPBAC_BAD_SET_LEN", `the zone of ct has 16 bits, but ${bits.bits} are named`, 16);
    zone = subfieldOf(bits);
  }
  const table = raw.u8(18);
  const alg = raw.u16(22);
  const actions = raw.actions(24, "ct");
  if ((flags & COMMIT) === 0 && !actions.every(isBareNat)) {
    raw.refuse("OFPBAC_BAD_ARGUMENT", "ct without commit has actions other than nat without arguments", 24);
  }
  return {
    type: "ct",
    ...((flags & COMMIT) === 0 ? {} : { commit: true }),
    ...((flags & FORCE) === 0 ? {} : { force: true }),
    ...(table === NO_TABLE ? {} : { table }),
    ...(zone === 0 ? {} : { zone }),
    ...(alg === 0 ? {} : { alg: alg === FTP ? "ftp" : alg === TFTP ? "tftp" : alg }),
    ...(actions.length === 0 ? {} : { actions }),
  };
}

/** The bytes of an IPv4 or IPv6 address; throws `ACTION_INVALID`. */
function addressBytes(text: string, path: string): Uint8Array {
  const bytes = ipv4Bytes(text) ?? ipv6Bytes(text);
  if (bytes === undefined) throw invalid(path, `${path} is ${String(text)}, which is no IPv4 or IPv6 address`);
  return bytes;
}

function encodeNat(action: NatAction, sink: ActionSink): void {
  const { w } = sink;
  if (action.direction !== undefined && action.direction !== "src" && action.direction !== "dst") {
    throw invalid("direction", `direction is ${String(action.direction)}, but must be src or dst`);
  }
  const flags =
    (action.direction === "src" ? NAT_SRC : action.direction === "dst" ? NAT_DST : 0) |
    (action.persistent === true ? PERSISTENT : 0) |
    (action.hash === true ? HASH : 0) |
    (action.random === true ? RANDOM : 0);
  const at = openNicira(w, 36, 16);
  w.view.setUint16(at + 12, flags);
  let present = 0;
  if (action.address !== undefined) {
    const first = addressBytes(action.address.first, "address.first");
    const v4 = first.length === 4;
    // An address of zeros is no address; Open vSwitch leaves it out.
    if (first.some((byte) => byte !== 0)) {
      w.bytes(first);
      present |= v4 ? IPV4_MIN : IPV6_MIN;
    }
    if (action.address.last !== undefined) {
      const last = addressBytes(action.address.last, "address.last");
      if (last.length !== first.length) throw invalid("address.last", "address.first and address.last are of different families");
      if (last.some((byte) => byte !== 0)) {
        w.bytes(last);
        present |= v4 ? IPV4_MAX : IPV6_MAX;
      }
    }
    if (action.ports !== undefined) {
      const low = whole(action.ports.first, "ports.first", 0xffff);
      const high = whole(action.ports.last ?? 0, "ports.last", 0xffff);
      if (low !== 0) {
        w.u16(low);
        present |= PORT_MIN;
      }
      if (high !== 0) {
        w.u16(high);
        present |= PORT_MAX;
      }
    }
  } else if (action.ports !== undefined) throw invalid("ports", "ports needs an address", "give address.first too");
  closeAction(w, at);
  w.view.setUint16(at + 14, present);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}

function readAddresses(raw: RawAction, present: number, at: number): { address?: NatAction["address"]; next: number } {
  const v4 = (present & IPV4_MIN) !== 0;
  const size = v4 ? 4 : 16;
  const hasLast = (present & (v4 ? IPV4_MAX : IPV6_MAX)) !== 0;
  const bad = (message: string): never => raw.fail("OFPBAC_BAD_ARGUMENT", message, at);
  if (v4 ? (present & (IPV6_MIN | IPV6_MAX)) !== 0 : (present & IPV4_MAX) !== 0)
    bad("nat mixes IPv4 and IPv6, or has the end of a range without its start");
  if (!v4 && (present & IPV6_MIN) === 0) {
    if ((present & IPV6_MAX) !== 0) bad("nat has the end of a range without its start");
    return { next: at };
  }
  const next = at + size * (hasLast ? 2 : 1);
  if (next > raw.length) bad("nat is too short for its addresses");
  const first = raw.slice(at, at + size);
  if (first.every((byte) => byte === 0)) raw.refuse("OFPBAC_BAD_ARGUMENT", "the address of nat is zero", at);
  const text = v4 ? formatIpv4 : formatIpv6;
  if (!hasLast) return { address: { first: text(first) }, next };
  const last = raw.slice(at + size, next);
  if (compare(last, first) < 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "the addresses of nat end before they start", at);
  return { address: { first: text(first), last: text(last) }, next };
}

function decodeNat(raw: RawAction): NatAction {
  const flags = raw.u16(12);
  const present = raw.u16(14);
  if (flags > 31 || (flags & 3) === 3 || (flags & (HASH | RANDOM)) === (HASH | RANDOM)) {
    raw.fail("OFPBAC_BAD_ARGUMENT", "nat has unknown flags, or flags that exclude each other", 12);
  }
  const { address, next } = readAddresses(raw, present, 16);
  let ports: NatAction["ports"];
  if ((present & PORT_MIN) !== 0) {
    const last = (present & PORT_MAX) !== 0;
    if (address === undefined || next + (last ? 4 : 2) > raw.length)
      raw.fail("OFPBAC_BAD_ARGUMENT", "nat has ports without room or address", 14);
    const low = raw.u16(next);
    if (low === 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "the port of nat is 0", next);
    const high = last ? raw.u16(next + 2) : undefined;
    if (high !== undefined && high < low) raw.refuse("OFPBAC_BAD_ARGUMENT", "the ports of nat end before they start", next);
    ports = high === undefined ? { first: low } : { first: low, last: high };
  } else if ((present & PORT_MAX) !== 0) raw.fail("OFPBAC_BAD_ARGUMENT", "nat has the end of a range without its start", 14);
  return {
    type: "nat",
    ...((flags & 3) === 0 ? {} : { direction: (flags & NAT_SRC) !== 0 ? "src" : "dst" }),
    ...(address === undefined ? {} : { address }),
    ...(ports === undefined ? {} : { ports }),
    ...((flags & PERSISTENT) === 0 ? {} : { persistent: true }),
    ...((flags & HASH) === 0 ? {} : { hash: true }),
    ...((flags & RANDOM) === 0 ? {} : { random: true }),
  };
}

/** Encoders of this file's actions. */
export const conntrackEncoders: Pick<Encoders, "ct" | "nat" | "ctClear" | "clone"> = {
  ct: encodeCt,
  nat: encodeNat,
  ctClear(_action, sink) {
    openNicira(sink.w, 43, 16);
  },
  clone(action, sink) {
    const at = openNicira(sink.w, 42, 16);
    nested(action.actions, sink);
    closeAction(sink.w, at);
  },
};

const nicira = Vendor.nicira;

/** Wire forms of this file's actions. */
export const conntrackForms: readonly WireForm[] = [
  { vendor: nicira, code: 35, versions: versions(1), length: 24, variable: true, decode: decodeCt },
  { vendor: nicira, code: 36, versions: versions(1), length: 16, variable: true, decode: decodeNat },
  { vendor: nicira, code: 43, versions: versions(1), length: 16, variable: false, decode: () => ({ type: "ctClear" }) },
  {
    vendor: nicira,
    code: 42,
    versions: versions(1),
    length: 16,
    variable: true,
    decode: (raw) => ({ type: "clone", actions: raw.actions(16, "clone") }),
  },
];
