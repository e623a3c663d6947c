/** The older actions that set one header field each, `set_tunnel`, and those that count a time to live down. */
import { formatIpv4, formatMac } from "../address-text.ts";
import { type Field, field } from "../fields.ts";
import type { Action, ActionOf } from "./action.ts";
import {
  type ActionSink,
  CANONICAL,
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  openStandard,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
  whole64,
} from "./codec.ts";
import { putRegLoad, putSetField } from "./set-field.ts";
import { ipv4Bytes, macBytes } from "./values.ts";

const ethSrc = /* @__PURE__ */ field("eth_src");
const ethDst = /* @__PURE__ */ field("eth_dst");
const ipSrc = /* @__PURE__ */ field("ip_src");
const ipDst = /* @__PURE__ */ field("ip_dst");
const dscp = /* @__PURE__ */ field("ip_dscp");
const ecn = /* @__PURE__ */ field("nw_ecn");
const ttl = /* @__PURE__ */ field("nw_ttl");
const tunId = /* @__PURE__ */ field("tun_id");

const PORT_FIELDS: ReadonlyMap<number, readonly [source: Field, destination: Field]> = /* @__PURE__ */ new Map([
  [6, [field("tcp_src"), field("tcp_dst")]],
  [17, [field("udp_src"), field("udp_dst")]],
  [132, [field("sctp_src"), field("sctp_dst")]],
]);

// Types in OpenFlow 1.1 and in the canonical form; those of 1.0 are one higher for types 3 to 7.
const MOD = { modDlSrc: 3, modDlDst: 4, modNwSrc: 5, modNwDst: 6 } as const;

function isOld(sink: ActionSink): boolean {
  return sink.version < 3 || sink.version === CANONICAL;
}

function toNumber(bytes: Uint8Array): bigint {
  let n = 0n;
  for (const byte of bytes) n = (n << 8n) | BigInt(byte);
  return n;
}

function encodeAddress(action: ActionOf<"modDlSrc" | "modDlDst" | "modNwSrc" | "modNwDst">, sink: ActionSink): void {
  const ethernet = action.type === "modDlSrc" || action.type === "modDlDst";
  const bytes = ethernet ? macBytes(action.address) : ipv4Bytes(action.address);
  if (bytes === undefined) {
    throw invalid("address", `address is ${String(action.address)}, which is no ${ethernet ? "Ethernet" : "IPv4"} address`);
  }
  if (isOld(sink)) {
    const type = MOD[action.type] + (sink.version === 1 ? 1 : 0);
    const at = openStandard(sink.w, type, ethernet ? 16 : 8);
    sink.w.buffer.set(bytes, at + 4);
  } else {
    const fields = { modDlSrc: ethSrc, modDlDst: ethDst, modNwSrc: ipSrc, modNwDst: ipDst };
    putSetField(sink, fields[action.type], toNumber(bytes));
  }
}

function putByte(sink: ActionSink, type: number, value: number): void {
  sink.w.setU8(openStandard(sink.w, type, 8) + 4, value);
}

function encodePort(action: ActionOf<"modTpSrc" | "modTpDst">, sink: ActionSink): void {
  const port = whole(action.port, "port", 0xffff);
  const protocol = whole(action.protocol ?? 0, "protocol", 255);
  const fields = PORT_FIELDS.get(protocol);
  const source = action.type === "modTpSrc";
  if (isOld(sink) || fields === undefined) {
    const at = openStandard(sink.w, source ? 9 : 10, 8);
    sink.w.view.setUint16(at + 4, port);
    if (sink.version === CANONICAL && fields !== undefined) sink.w.view.setUint8(at + 7, protocol);
  } else putSetField(sink, fields[source ? 0 : 1], port);
}

function decodePort(type: "modTpSrc" | "modTpDst", raw: RawAction): Action {
  const protocol = raw.version === CANONICAL ? raw.u8(7) : 0;
  return { type, port: raw.u16(4), ...(protocol === 0 ? {} : { protocol }) };
}

type ModTypes =
  | "modDlSrc"
  | "modDlDst"
  | "modNwSrc"
  | "modNwDst"
  | "modNwTos"
  | "modNwEcn"
  | "modNwTtl"
  | "modTpSrc"
  | "modTpDst"
  | "setTunnel"
  | "decTtl"
  | "decNshTtl";

/** Encoders of this file's actions. */
export const headerModEncoders: Pick<Encoders, ModTypes> = {
  modDlSrc: encodeAddress,
  modDlDst: encodeAddress,
  modNwSrc: encodeAddress,
  modNwDst: encodeAddress,
  modNwTos(action, sink) {
    const tos = whole(action.value, "value", 255);
    if (isOld(sink)) putByte(sink, sink.version === 1 ? 8 : 7, tos);
    else putSetField(sink, dscp, tos >> 2);
  },
  modNwEcn(action, sink) {
    const value = whole(action.value, "value", 255);
    if (sink.version === 1) putRegLoad(sink, ecn, 0, 2, BigInt(value));
    else if (isOld(sink)) putByte(sink, 8, value);
    else putSetField(sink, ecn, value);
  },
  modNwTtl(action, sink) {
    const value = whole(action.value, "value", 255);
    if (sink.version === 1) putRegLoad(sink, ttl, 0, 8, BigInt(value));
    else putByte(sink, 23, value);
  },
  modTpSrc: encodePort,
  modTpDst: encodePort,
  setTunnel(action, sink) {
    const id = whole64(action.id, "id");
    if (!isOld(sink)) putSetField(sink, tunId, id);
    else if (action.wide !== true && id <= 0xffff_ffffn) sink.w.setU32(openNicira(sink.w, 2, 16) + 12, Number(id));
    else sink.w.setU64(openNicira(sink.w, 9, 24) + 16, id);
  },
  decTtl(action, sink) {
    const { w } = sink;
    const ids = action.controllers;
    if (ids === undefined) {
      if (sink.version === 1) openNicira(w, 18, 16);
      else openStandard(w, 24, 8);
      return;
    }
    const at = openNicira(w, 21, 16);
    w.view.setUint16(at + 10, whole(ids.length, "controllers.length", 0x7fe0));
    for (const [index, id] of ids.entries()) w.u16(whole(id, `controllers[${index}]`, 0xffff));
    closeAction(w, at);
  },
  decNshTtl(_action, sink) {
    openNicira(sink.w, 48, 16);
  },
};

const standard = Vendor.standard;
const nicira = Vendor.nicira;
const from11 = /* @__PURE__ */ versions(2);
const only10 = /* @__PURE__ */ versions(1, 1);

function renumbered(type: number, length: number, decode: WireForm["decode"]): WireForm[] {
  return [
    { vendor: standard, code: type + 1, versions: only10, length, variable: false, decode },
    { vendor: standard, code: type, versions: from11, length, variable: false, decode },
  ];
}

/** Wire forms of this file's actions. */
export const headerModForms: readonly WireForm[] = /* @__PURE__ */ [
  ...renumbered(3, 16, (raw) => ({ type: "modDlSrc", address: formatMac(raw.bytes, raw.start + 4) })),
  ...renumbered(4, 16, (raw) => ({ type: "modDlDst", address: formatMac(raw.bytes, raw.start + 4) })),
  ...renumbered(5, 8, (raw) => ({ type: "modNwSrc", address: formatIpv4(raw.bytes, raw.start + 4) })),
  ...renumbered(6, 8, (raw) => ({ type: "modNwDst", address: formatIpv4(raw.bytes, raw.start + 4) })),
  ...renumbered(7, 8, (raw) => {
    if ((raw.u8(4) & 3) !== 0) raw.refuse("OFPBAC_BAD_ARGUMENT", `type of service ${raw.u8(4)} has ECN bits`, 4);
    return { type: "modNwTos", value: raw.u8(4) };
  }),
  {
    vendor: standard,
    code: 8,
    versions: from11,
    length: 8,
    variable: false,
    decode(raw) {
      if (raw.u8(4) > 3) raw.refuse("OFPBAC_BAD_ARGUMENT", `ECN ${raw.u8(4)} has more than 2 bits`, 4);
      return { type: "modNwEcn", value: raw.u8(4) };
    },
  },
  { vendor: standard, code: 9, versions: versions(1), length: 8, variable: false, decode: (raw) => decodePort("modTpSrc", raw) },
  { vendor: standard, code: 10, versions: versions(1), length: 8, variable: false, decode: (raw) => decodePort("modTpDst", raw) },
  {
    vendor: standard,
    code: 23,
    versions: from11,
    length: 8,
    variable: false,
    decode: (raw) => ({ type: "modNwTtl", value: raw.u8(4) }),
  },
  {
    vendor: nicira,
    code: 2,
    versions: versions(1),
    length: 16,
    variable: false,
    decode: (raw) => ({ type: "setTunnel", id: BigInt(raw.u32(12)) }),
  },
  {
    vendor: nicira,
    code: 9,
    versions: versions(1),
    length: 24,
    variable: false,
    decode: (raw) => ({ type: "setTunnel", id: raw.u64(16), wide: true }),
  },
  { vendor: nicira, code: 18, versions: only10, length: 16, variable: false, decode: () => ({ type: "decTtl" }) },
  { vendor: standard, code: 24, versions: from11, length: 8, variable: false, decode: () => ({ type: "decTtl" }) },
  {
    vendor: nicira,
    code: 21,
    versions: versions(1),
    length: 16,
    variable: true,
    decode(raw) {
      const count = raw.u16(10);
      if (!raw.isZero(12, 16)) raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of dec_ttl are not zero", 12);
      if (raw.length - 16 < count * 2)
        raw.fail("OFPBAC_BAD_LEN", `dec_ttl names ${count} controllers and has room for fewer`, 10);
      const controllers: number[] = [];
      for (let i = 0; i < count; i++) controllers.push(raw.u16(16 + 2 * i));
      return { type: "decTtl", controllers };
    },
  },
  { vendor: nicira, code: 48, versions: versions(4), length: 16, variable: false, decode: () => ({ type: "decNshTtl" }) },
];
