/** The fields that the fast road knows, one slot each. */

// One slot per field, numbered in the order in which Open vSwitch writes the fields (nx_put_raw, lib/nx-match.c).
export const CONJ_ID = 0;
export const IN_PORT = 1;
export const ETH_SRC = 2;
export const ETH_DST = 3;
export const ETH_TYPE = 4;
export const VLAN_VID = 5;
export const IPV4_SRC = 6;
export const IPV4_DST = 7;
export const IPV6_SRC = 8;
export const IPV6_DST = 9;
export const IP_FRAG = 10;
export const IP_DSCP = 11;
export const IP_TTL = 12;
export const IP_PROTO = 13;
export const TP_SRC = 14;
export const TP_DST = 15;
export const ICMP_TYPE = 16;
export const ICMP_CODE = 17;
export const ND_TARGET = 18;
export const ND_SLL = 19;
export const ND_TLL = 20;
export const ARP_OP = 21;
export const ARP_SPA = 22;
export const ARP_TPA = 23;
export const ARP_SHA = 24;
export const ARP_THA = 25;
export const TUN_ID = 26;
export const TUN_SRC = 27;
export const TUN_DST = 28;
// 29 to 36: `xreg0..7`; the registers are kept apart and folded in when the bytes are written.
export const PKT_MARK = 37;
export const CT_STATE = 38;
export const CT_ZONE = 39;
export const CT_MARK = 40;
export const CT_LABEL = 41;
export const METADATA = 42;
export const SLOTS = 43;

// biome-ignore format: a table is read by column
const HEADERS: readonly (readonly [slot: number, header: number])[] = [
  [CONJ_ID, 0x00014a04], [IN_PORT, 0x80000004], [ETH_SRC, 0x80000806], [ETH_DST, 0x80000606], [ETH_TYPE, 0x80000a02],
  [VLAN_VID, 0x80000c02], [IPV4_SRC, 0x80001604], [IPV4_DST, 0x80001804], [IPV6_SRC, 0x80003410], [IPV6_DST, 0x80003610],
  [IP_FRAG, 0x00013401], [IP_DSCP, 0x80001001], [IP_TTL, 0x00013a01], [IP_PROTO, 0x80001401], [TP_SRC, 0x80001a02],
  [TP_DST, 0x80001c02], [ICMP_TYPE, 0x80002601], [ICMP_CODE, 0x80002801], [ND_TARGET, 0x80003e10], [ND_SLL, 0x80004006],
  [ND_TLL, 0x80004206], [ARP_OP, 0x80002a02], [ARP_SPA, 0x80002c04], [ARP_TPA, 0x80002e04], [ARP_SHA, 0x80003006],
  [ARP_THA, 0x80003206], [TUN_ID, 0x80004c08], [TUN_SRC, 0x00013e04], [TUN_DST, 0x00014004], [PKT_MARK, 0x00014204],
  [CT_STATE, 0x0001d204], [CT_ZONE, 0x0001d402], [CT_MARK, 0x0001d604], [CT_LABEL, 0x0001d810], [METADATA, 0x80000408],
];

/** OXM header without mask, per slot. Of the transport ports and of ICMP the header depends on the protocol. */
export const HEADER: Int32Array = /* @__PURE__ */ new Int32Array(SLOTS);
/** Bytes of the value, per slot. */
export const WIDTH: Int32Array = /* @__PURE__ */ new Int32Array(SLOTS);

/** Fills the columns, before the first match is read. */
export function prepareMatchSlots(): void {
  for (const [slot, header] of HEADERS) {
    HEADER[slot] = header;
    WIDTH[slot] = header & 0xff;
  }
}
