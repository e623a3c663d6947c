/** Actions on VLAN tags and MPLS labels. */
import { field } from "../fields.ts";
import type { ActionOf } from "./action.ts";
import {
  type ActionSink,
  CANONICAL,
  type Encoders,
  openNicira,
  openStandard,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
} from "./codec.ts";
import { putWord } from "./output.ts";
import { putSetField } from "./set-field.ts";

const CFI = 0x1000;
const ETH_TYPE_VLAN = 0x8100;
/** Flags in the last byte of the canonical form; see the table at `CANONICAL`. */
const PUSH_IF_NEEDED = 1;
const TAGGED = 2;

const vlanVid = /* @__PURE__ */ field("vlan_vid");
const vlanPcp = /* @__PURE__ */ field("vlan_pcp");
const mplsLabel = /* @__PURE__ */ field("mpls_label");
const mplsTc = /* @__PURE__ */ field("mpls_tc");

function flagsOf(action: ActionOf<"setVlanVid" | "setVlanPcp">): number {
  return (action.pushIfNeeded === true ? PUSH_IF_NEEDED : 0) | (action.tagged === true ? TAGGED : 0);
}

function pushFirst(action: ActionOf<"setVlanVid" | "setVlanPcp">, sink: ActionSink): void {
  if (sink.version > 1 && action.pushIfNeeded === true && action.tagged !== true) {
    sink.w.setU16(openStandard(sink.w, 17, 8) + 4, ETH_TYPE_VLAN);
  }
}

function vlanFlags(raw: RawAction): { pushIfNeeded?: true; tagged?: true } {
  const flags = raw.version === CANONICAL ? raw.u8(7) : raw.version === 1 ? PUSH_IF_NEEDED : 0;
  return { ...(flags & PUSH_IF_NEEDED ? { pushIfNeeded: true } : {}), ...(flags & TAGGED ? { tagged: true } : {}) };
}

// A standard action in 1.1 and later that is a Nicira extension in 1.0, with one 16-bit argument or none.
function putHalf(sink: ActionSink, type: number, subtype10: number, value: number): void {
  const { w } = sink;
  if (sink.version === 1) w.setU16(openNicira(w, subtype10, 16) + 10, value);
  else w.setU16(openStandard(w, type, 8) + 4, value);
}

function putByte(sink: ActionSink, type: number, subtype10: number, value: number): void {
  const { w } = sink;
  if (sink.version === 1) w.setU8(openNicira(w, subtype10, 16) + 10, value);
  else w.setU8(openStandard(w, type, 8) + 4, value);
}

type VlanMplsTypes =
  | "setVlanVid"
  | "setVlanPcp"
  | "popVlan"
  | "pushVlan"
  | "pushMpls"
  | "popMpls"
  | "setMplsLabel"
  | "setMplsTc"
  | "setMplsTtl"
  | "decMplsTtl";

/** Encoders of this file's actions. */
export const vlanMplsEncoders: Pick<Encoders, VlanMplsTypes> = {
  setVlanVid(action, sink) {
    const { w, version } = sink;
    const vlan = whole(action.vlan, "vlan", 0xfff);
    if (version === CANONICAL) {
      const at = openStandard(w, 1, 8);
      w.view.setUint16(at + 4, vlan);
      w.view.setUint8(at + 7, flagsOf(action));
      return;
    }
    pushFirst(action, sink);
    if (version <= 2) w.setU16(openStandard(w, 1, 8) + 4, vlan);
    else putSetField(sink, vlanVid, vlan | CFI);
  },
  setVlanPcp(action, sink) {
    const { w, version } = sink;
    const priority = whole(action.priority, "priority", 7);
    if (version === CANONICAL) {
      const at = openStandard(w, 2, 8);
      w.view.setUint8(at + 4, priority);
      w.view.setUint8(at + 7, flagsOf(action));
      return;
    }
    pushFirst(action, sink);
    if (version <= 2) w.setU8(openStandard(w, 2, 8) + 4, priority);
    else putSetField(sink, vlanPcp, priority);
  },
  popVlan(_action, sink) {
    openStandard(sink.w, sink.version === 1 ? 3 : 18, 8);
  },
  pushVlan(action, sink) {
    // OpenFlow 1.0 pushes by setting: nothing to write.
    if (sink.version !== 1) sink.w.setU16(openStandard(sink.w, 17, 8) + 4, whole(action.etherType, "etherType", 0xffff));
  },
  pushMpls(action, sink) {
    putHalf(sink, 19, 23, whole(action.etherType, "etherType", 0xffff));
  },
  popMpls(action, sink) {
    putHalf(sink, 20, 24, whole(action.etherType, "etherType", 0xffff));
  },
  setMplsLabel(action, sink) {
    const label = whole(action.value, "value", 0xffff_ffff);
    if (sink.version < 3 || sink.version === CANONICAL) putWord(sink, 13, 30, label);
    else putSetField(sink, mplsLabel, label);
  },
  setMplsTc(action, sink) {
    const tc = whole(action.value, "value", 255);
    if (sink.version < 3 || sink.version === CANONICAL) putByte(sink, 14, 31, tc);
    else putSetField(sink, mplsTc, tc);
  },
  setMplsTtl(action, sink) {
    putByte(sink, 15, 25, whole(action.value, "value", 255));
  },
  decMplsTtl(_action, sink) {
    if (sink.version === 1) openNicira(sink.w, 26, 16);
    else openStandard(sink.w, 16, 8);
  },
};

const standard = Vendor.standard;
const nicira = Vendor.nicira;

function both(
  subtype10: number,
  type: number,
  decode: (raw: RawAction, at: number) => ReturnType<WireForm["decode"]>,
): WireForm[] {
  return [
    { vendor: nicira, code: subtype10, versions: versions(1, 1), length: 16, variable: false, decode: (raw) => decode(raw, 10) },
    { vendor: standard, code: type, versions: versions(2), length: 8, variable: false, decode: (raw) => decode(raw, 4) },
  ];
}

/** Wire forms of this file's actions. */
export const vlanMplsForms: readonly WireForm[] = [
  {
    vendor: standard,
    code: 1,
    versions: versions(1),
    length: 8,
    variable: false,
    decode(raw) {
      const vlan = raw.u16(4);
      if (vlan > 0xfff) raw.refuse("OFPBAC_BAD_ARGUMENT", `VLAN id ${vlan} has more than 12 bits`, 4);
      return { type: "setVlanVid", vlan, ...vlanFlags(raw) };
    },
  },
  {
    vendor: standard,
    code: 2,
    versions: versions(1),
    length: 8,
    variable: false,
    decode(raw) {
      const priority = raw.u8(4);
      if (priority > 7) raw.refuse("OFPBAC_BAD_ARGUMENT", `VLAN priority ${priority} has more than 3 bits`, 4);
      return { type: "setVlanPcp", priority, ...vlanFlags(raw) };
    },
  },
  { vendor: standard, code: 3, versions: versions(1, 1), length: 8, variable: false, decode: () => ({ type: "popVlan" }) },
  { vendor: standard, code: 18, versions: versions(2), length: 8, variable: false, decode: () => ({ type: "popVlan" }) },
  {
    vendor: standard,
    code: 17,
    versions: versions(2),
    length: 8,
    variable: false,
    decode(raw) {
      const etherType = raw.u16(4);
      if (etherType !== 0x8100 && etherType !== 0x88a8)
        raw.refuse("OFPBAC_BAD_ARGUMENT", `0x${etherType.toString(16)} is no VLAN Ethernet type`, 4);
      return { type: "pushVlan", etherType };
    },
  },
  ...both(23, 19, (raw, at) => {
    const etherType = raw.u16(at);
    if (etherType !== 0x8847 && etherType !== 0x8848)
      raw.refuse("OFPBAC_BAD_ARGUMENT", `0x${etherType.toString(16)} is no MPLS Ethernet type`, at);
    return { type: "pushMpls", etherType };
  }),
  ...both(24, 20, (raw, at) => ({ type: "popMpls", etherType: raw.u16(at) })),
  // The label has 32 bits and so stands two bytes further back in the extension.
  ...both(30, 13, (raw, at) => ({ type: "setMplsLabel", value: raw.u32(at === 4 ? 4 : 12) })),
  ...both(31, 14, (raw, at) => ({ type: "setMplsTc", value: raw.u8(at) })),
  ...both(25, 15, (raw, at) => ({ type: "setMplsTtl", value: raw.u8(at) })),
  ...both(26, 16, () => ({ type: "decMplsTtl" })),
];
