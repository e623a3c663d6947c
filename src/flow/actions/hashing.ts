/** Actions that choose by hash: bundle, bundle_load, multipath. */
import { ReservedPort } from "../ports.ts";
import type { BundleAction, HashFields, MultipathAction } from "./action.ts";
import {
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
} from "./codec.ts";
import { isOutputPort, portNumber, portRef } from "./port-ref.ts";
import { checkDestination, nxmHeader, packRange, readPackedBits, resolveBits, subfieldOf } from "./subfield.ts";

/** What to hash, by number. */
export const HASH_FIELDS: readonly HashFields[] = [
  "eth_src",
  "symmetric_l4",
  "symmetric_l3l4",
  "symmetric_l3l4+udp",
  "nw_src",
  "nw_dst",
  "symmetric_l3",
];
/** Algorithms of bundle, by number. */
export const BUNDLE_ALGORITHMS: readonly BundleAction["algorithm"][] = ["active_backup", "hrw"];
/** Algorithms of multipath, by number. */
export const MULTIPATH_ALGORITHMS: readonly MultipathAction["algorithm"][] = ["modulo_n", "hash_threshold", "hrw", "iter_hash"];
/** The most members a bundle may have. */
export const MAX_MEMBERS = 2048;
/** The most members that fit in the bytes of an action. */
const MAX_WRITTEN = 0x7fe0;
/** NXM_OF_IN_PORT: the only type of member there is. */
const MEMBER_TYPE = 0x0000_0002;

function indexOf<T extends string>(names: readonly T[], name: T, path: string): number {
  const index = names.indexOf(name);
  if (index < 0) throw invalid(path, `${path} is ${String(name)}, which is none of ${names.join(", ")}`);
  return index;
}

// The names are kept within the types; bytes with other numbers are refused before they get here.
function nameAt<T extends string>(names: readonly T[], index: number, raw: RawAction, at: number, what: string): T {
  const name = names[index];
  if (name === undefined) raw.fail("OFPBAC_BAD_ARGUMENT", `${what} ${index} is unknown`, at);
  return name;
}

// Open vSwitch looks at the reserved bytes and the type of the members of `bundle` only, not of `bundle_load`.
function decodeBundle(load: boolean, raw: RawAction): BundleAction {
  const bits = load ? readPackedBits(raw, 22, 24) : undefined;
  const count = raw.u16(20);
  if (raw.length - 32 < count * 2) raw.fail("OFPBAC_BAD_LEN", `bundle has ${count} members and room for fewer`, 20);
  const fields = nameAt(HASH_FIELDS, raw.u16(12), raw, 12, "the set of fields to hash");
  const algorithm = nameAt(BUNDLE_ALGORITHMS, raw.u16(10), raw, 10, "the algorithm");
  if (bits !== undefined) {
    if (bits.bits < 16) raw.refuse("OFPBAC_BAD_ARGUMENT", `bundle_load writes 16 bits, but its destination has ${bits.bits}`, 22);
    checkDestination(raw, bits, 22);
  } else {
    if (count > MAX_MEMBERS)
      raw.refuse("OFPBAC_BAD_ARGUMENT", `bundle has ${count} members, but at most ${MAX_MEMBERS} are allowed`, 20);
    if (raw.u32(16) !== MEMBER_TYPE) raw.refuse("OFPBAC_BAD_ARGUMENT", "the members of bundle are not ports", 16);
    if (!raw.isZero(22, 32)) raw.refuse("OFPBAC_BAD_ARGUMENT", "reserved bytes of bundle are not zero", 22);
  }
  const members: ReturnType<typeof portRef>[] = [];
  for (let i = 0; i < count; i++) {
    const port = raw.u16(32 + 2 * i);
    if (port === ReservedPort.CONTROLLER || !(isOutputPort(port) || port === ReservedPort.ANY)) {
      raw.refuse("OFPBAC_BAD_OUT_PORT", `port ${port} cannot be a member of a bundle`, 32 + 2 * i);
    }
    members.push(portRef(port));
  }
  const destination = bits === undefined ? {} : { destination: subfieldOf(bits) };
  return { type: "bundle", fields, basis: raw.u16(14), algorithm, members, ...destination };
}

function decodeMultipath(raw: RawAction): MultipathAction {
  const links = raw.u16(18) + 1;
  const bits = readPackedBits(raw, 26, 28);
  const fields = nameAt(HASH_FIELDS, raw.u16(10), raw, 10, "the set of fields to hash");
  const algorithm = nameAt(MULTIPATH_ALGORITHMS, raw.u16(16), raw, 16, "the algorithm");
  if (bits.bits < Math.ceil(Math.log2(links))) {
    raw.refuse("OFPBAC_BAD_ARGUMENT", `${links} links do not fit in ${bits.bits} bits`, 26);
  }
  checkDestination(raw, bits, 26);
  return {
    type: "multipath",
    fields,
    basis: raw.u16(12),
    algorithm,
    links,
    argument: raw.u32(20),
    destination: subfieldOf(bits),
  };
}

/** Encoders of this file's actions. */
export const hashingEncoders: Pick<Encoders, "bundle" | "multipath"> = {
  bundle(action, sink) {
    const { w } = sink;
    const destination = action.destination === undefined ? undefined : resolveBits(action.destination, "destination");
    const at = openNicira(w, destination === undefined ? 12 : 13, 32);
    w.view.setUint16(at + 10, indexOf(BUNDLE_ALGORITHMS, action.algorithm, "algorithm"));
    w.view.setUint16(at + 12, indexOf(HASH_FIELDS, action.fields, "fields"));
    w.view.setUint16(at + 14, whole(action.basis, "basis", 0xffff));
    w.view.setUint32(at + 16, MEMBER_TYPE);
    w.view.setUint16(at + 20, whole(action.members.length, "members.length", MAX_WRITTEN));
    if (destination !== undefined) {
      w.view.setUint16(at + 22, packRange(destination));
      w.view.setUint32(at + 24, nxmHeader(destination.field));
    }
    for (const [index, member] of action.members.entries()) w.u16(portNumber(member, `members[${index}]`));
    closeAction(w, at);
  },
  multipath(action, sink) {
    const { w } = sink;
    const destination = resolveBits(action.destination, "destination");
    const links = whole(action.links, "links", 65536);
    if (links < 1) throw invalid("links", "links is 0, but must be 1 to 65536");
    const at = openNicira(w, 10, 32);
    w.view.setUint16(at + 10, indexOf(HASH_FIELDS, action.fields, "fields"));
    w.view.setUint16(at + 12, whole(action.basis, "basis", 0xffff));
    w.view.setUint16(at + 16, indexOf(MULTIPATH_ALGORITHMS, action.algorithm, "algorithm"));
    w.view.setUint16(at + 18, links - 1);
    w.view.setUint32(at + 20, whole(action.argument, "argument", 0xffff_ffff));
    w.view.setUint16(at + 26, packRange(destination));
    w.view.setUint32(at + 28, nxmHeader(destination.field));
  },
};

const nicira = Vendor.nicira;

/** Wire forms of this file's actions. */
export const hashingForms: readonly WireForm[] = [
  { vendor: nicira, code: 12, versions: versions(1), length: 32, variable: true, decode: (raw) => decodeBundle(false, raw) },
  { vendor: nicira, code: 13, versions: versions(1), length: 32, variable: true, decode: (raw) => decodeBundle(true, raw) },
  { vendor: nicira, code: 10, versions: versions(1), length: 32, variable: false, decode: decodeMultipath },
];
