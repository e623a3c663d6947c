/** `encap` and `decap`: headers put in front of the packet and taken off. */
import type { EncapAction, EncapProperty } from "./action.ts";
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
} from "./codec.ts";

/** Packet types (`namespace << 16 | type`) that can be put in front. */
export const ENCAP_HEADERS: ReadonlyMap<EncapAction["header"], number> = /* @__PURE__ */ new Map([
  ["ethernet", 0],
  ["nsh", 0x1894f],
  ["mpls", 0x18847],
  ["mpls_mc", 0x18848],
]);
const HEADER_NAMES: ReadonlyMap<number, EncapAction["header"]> = /* @__PURE__ */ new Map(
  [...ENCAP_HEADERS].map(([name, number]) => [number, name]),
);

/** "Whatever the header that was taken off says." */
const USE_NEXT_PROTO = 0xfffe;

// Property class of NSH, and its types.
const NSH = 4;
const MD_TYPE = 1;
const TLV = 2;
/** The length of a TLV with its value has 8 bits, and the value is padded to 8 bytes. */
const MAX_TLV = 240;

function putProperty(sink: ActionSink, property: EncapProperty): void {
  const { w } = sink;
  if (property.type === "mdType") {
    const at = w.reserve(8);
    w.view.setUint16(at, NSH);
    w.view.setUint8(at + 2, MD_TYPE);
    w.view.setUint8(at + 3, 5);
    w.view.setUint8(at + 4, whole(property.mdType, "properties.mdType", 255));
    return;
  }
  const length = property.value.length;
  if (length > MAX_TLV) throw invalid("properties.value", `a TLV has ${length} bytes, but at most ${MAX_TLV} fit`);
  const padded = (length + 7) & ~7;
  const at = w.reserve(8 + padded);
  w.view.setUint16(at, NSH);
  w.view.setUint8(at + 2, TLV);
  w.view.setUint8(at + 3, 8 + padded);
  w.view.setUint16(at + 4, whole(property.tlvClass, "properties.tlvClass", 0xffff));
  w.view.setUint8(at + 6, whole(property.tlvType, "properties.tlvType", 255));
  w.view.setUint8(at + 7, length);
  w.buffer.set(property.value, at + 8);
}

function readProperties(raw: RawAction): EncapProperty[] {
  const properties: EncapProperty[] = [];
  for (let at = 16; at < raw.length; ) {
    const left = raw.length - at;
    const length = raw.u8(at + 3);
    const padded = (length + 7) & ~7;
    if (length < 4 || padded > left) raw.fail("OFPBAC_BAD_LEN", "a property of encap has a bad length", at);
    const type = raw.u8(at + 2);
    if (raw.u16(at) !== NSH || (type !== MD_TYPE && type !== TLV))
      raw.fail("NXBAC_UNKNOWN_ED_PROP", "encap has an unknown property", at);
    if (type === MD_TYPE) {
      if (length > 8) raw.fail("NXBAC_BAD_ED_PROP", "the md_type of encap has a bad length", at);
      properties.push({ type: "mdType", mdType: raw.u8(at + 4) });
    } else {
      if (padded < 8) raw.fail("NXBAC_BAD_ED_PROP", "a TLV of encap has a bad length", at);
      const valueLength = raw.u8(at + 7);
      if (length !== 8 + ((valueLength + 7) & ~7)) raw.fail("NXBAC_BAD_ED_PROP", "a TLV of encap has a bad length", at);
      properties.push({
        type: "tlv",
        tlvClass: raw.u16(at + 4),
        tlvType: raw.u8(at + 6),
        value: raw.slice(at + 8, at + 8 + valueLength),
      });
    }
    at += padded;
  }
  return properties;
}

/** Encoders of this file's actions. */
export const encapEncoders: Pick<Encoders, "encap" | "decap"> = {
  encap(action, sink) {
    const { w } = sink;
    const type = ENCAP_HEADERS.get(action.header);
    if (type === undefined)
      throw invalid("header", `header is ${String(action.header)}, which is none of ${[...ENCAP_HEADERS.keys()].join(", ")}`);
    const at = openNicira(w, 46, 16);
    w.view.setUint16(at + 10, whole(action.headerSize ?? 0, "headerSize", 0xffff));
    w.view.setUint32(at + 12, type);
    for (const property of action.properties ?? []) putProperty(sink, property);
    closeAction(w, at);
  },
  decap(action, sink) {
    const at = openNicira(sink.w, 47, 16);
    const type = action.packetType;
    const number =
      type === undefined
        ? USE_NEXT_PROTO
        : whole(type.namespace, "packetType.namespace", 0xffff) * 0x10000 + whole(type.type, "packetType.type", 0xffff);
    sink.w.view.setUint32(at + 12, number);
  },
};

/** Wire forms of this file's actions. */
export const encapForms: readonly WireForm[] = [
  {
    vendor: Vendor.nicira,
    code: 46,
    versions: versions(4),
    length: 16,
    variable: true,
    decode(raw: RawAction) {
      const header = HEADER_NAMES.get(raw.u32(12));
      if (header === undefined) raw.fail("NXBAC_BAD_HEADER_TYPE", `encap knows no header 0x${raw.u32(12).toString(16)}`, 12);
      const headerSize = raw.u16(10);
      const properties = readProperties(raw);
      return {
        type: "encap",
        header,
        ...(headerSize === 0 ? {} : { headerSize }),
        ...(properties.length === 0 ? {} : { properties }),
      };
    },
  },
  {
    vendor: Vendor.nicira,
    code: 47,
    versions: versions(4),
    length: 16,
    variable: true,
    decode(raw: RawAction) {
      if (raw.length > 16) raw.fail("NXBAC_UNKNOWN_ED_PROP", "decap has properties, but none is known", 16);
      const type = raw.u32(12);
      return type === USE_NEXT_PROTO
        ? { type: "decap" }
        : { type: "decap", packetType: { namespace: type >>> 16, type: type & 0xffff } };
    },
  },
];
