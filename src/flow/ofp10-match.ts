import type { ByteWriter } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import { fillPrefix, prefixLength } from "./address-text.ts";
import type { MatchDraft } from "./match-draft.ts";
import { SLOT } from "./match-slots.ts";

/** Bytes of OpenFlow 1.0's match structure (OpenFlow 1.0.0 §5.2.3). */
export const OFP10_MATCH_BYTES = 40;

const WILD = {
  inPort: 1 << 0,
  vlan: 1 << 1,
  ethSrc: 1 << 2,
  ethDst: 1 << 3,
  ethType: 1 << 4,
  proto: 1 << 5,
  tpSrc: 1 << 6,
  tpDst: 1 << 7,
  vlanPcp: 1 << 20,
  tos: 1 << 21,
} as const;
const NW_SRC_SHIFT = 8;
const NW_DST_SHIFT = 14;
const NO_VLAN = 0xffff;

// Plain parts: wildcard bit, slot, offset in the structure, bytes.
const PARTS = [
  [WILD.inPort, SLOT.in_port, 4, 2],
  [WILD.ethSrc, SLOT.eth_src, 6, 6],
  [WILD.ethDst, SLOT.eth_dst, 12, 6],
  [WILD.ethType, SLOT.eth_type, 22, 2],
  [WILD.proto, SLOT.nw_proto, 25, 1],
  [WILD.tpSrc, SLOT.tp_src, 36, 2],
  [WILD.tpDst, SLOT.tp_dst, 38, 2],
] as const;

/** Appends the 40 bytes. What the structure cannot say is lost; see `decodeOfp10` for a check. */
export function encodeOfp10(draft: MatchDraft, w: ByteWriter): void {
  const at = w.reserve(OFP10_MATCH_BYTES);
  const out = w.buffer;
  let wild = 0;
  for (const [bit, slot, offset, bytes] of PARTS) {
    if (!draft.touches(slot, bytes)) wild |= bit;
    for (let i = 0; i < bytes; i++) out[at + offset + i] = draft.value[slot + i] as number;
  }
  if ((draft.maskNumber(SLOT.nw_tos, 1) & 0xfc) === 0) wild |= WILD.tos;
  out[at + 24] = draft.number(SLOT.nw_tos, 1) & 0xfc;
  wild |= wildBits(draft, SLOT.nw_src) << NW_SRC_SHIFT;
  wild |= wildBits(draft, SLOT.nw_dst) << NW_DST_SHIFT;
  for (let i = 0; i < 4; i++) {
    out[at + 28 + i] = draft.value[SLOT.nw_src + i] as number;
    out[at + 32 + i] = draft.value[SLOT.nw_dst + i] as number;
  }
  const tci = draft.number(SLOT.vlan_tci, 2);
  const tciMask = draft.maskNumber(SLOT.vlan_tci, 2);
  if (tciMask === 0) wild |= WILD.vlan | WILD.vlanPcp;
  else if ((tciMask & 0x1000) !== 0 && (tci & 0x1000) === 0) w.view.setUint16(at + 18, NO_VLAN);
  else {
    if ((tciMask & 0x0fff) === 0) wild |= WILD.vlan;
    else w.view.setUint16(at + 18, tci & 0x0fff);
    if ((tciMask & 0xe000) === 0) wild |= WILD.vlanPcp;
    else out[at + 20] = tci >>> 13;
  }
  w.view.setUint32(at, wild >>> 0);
}

// How many low bits of the address are not matched; a mask that is no prefix counts up to its first zero.
function wildBits(draft: MatchDraft, slot: number): number {
  const mask = draft.mask.subarray(slot, slot + 4);
  const bits = prefixLength(mask, 4);
  if (bits >= 0) return 32 - bits;
  return 32 - Math.clz32(~draft.maskNumber(slot, 4));
}

/**
 * Reads the 40 bytes at `start` into a cleared draft. No combination of bits is refused; what lacks its prerequisite falls away
 * when the draft is encoded. Throws `WIRE_LENGTH` when fewer bytes are left.
 */
export function decodeOfp10(bytes: Uint8Array, start: number, end: number, draft: MatchDraft): void {
  if (end - start < OFP10_MATCH_BYTES) {
    throw new OfsyncError(
      "WIRE_LENGTH",
      `an OpenFlow 1.0 match has ${OFP10_MATCH_BYTES} bytes, but only ${end - start} are left`,
      {
        place: { offset: start },
        openflowError: "OFPBRC_BAD_LEN",
      },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wild = view.getUint32(start);
  const data =
    WILD.tos | WILD.proto | WILD.tpSrc | WILD.tpDst | WILD.ethSrc | WILD.ethDst | WILD.ethType | WILD.vlan | WILD.vlanPcp;
  const srcBits = Math.max(0, 32 - ((wild >>> NW_SRC_SHIFT) & 0x3f));
  const dstBits = Math.max(0, 32 - ((wild >>> NW_DST_SHIFT) & 0x3f));
  if ((wild & data) !== data || srcBits > 0 || dstBits > 0) draft.implyEthernet();
  for (const [bit, slot, offset, width] of PARTS) {
    if ((wild & bit) !== 0) continue;
    draft.mask.fill(0xff, slot, slot + width);
    for (let i = 0; i < width; i++) draft.value[slot + i] = bytes[start + offset + i] as number;
  }
  if ((wild & WILD.tos) === 0) {
    draft.mask[SLOT.nw_tos] = 0xfc;
    draft.value[SLOT.nw_tos] = (bytes[start + 24] as number) & 0xfc;
  }
  readAddress(draft, SLOT.nw_src, bytes, start + 28, srcBits);
  readAddress(draft, SLOT.nw_dst, bytes, start + 32, dstBits);
  readVlan(draft, wild, view.getUint16(start + 18), bytes[start + 20] as number);
}

function readAddress(draft: MatchDraft, slot: number, bytes: Uint8Array, from: number, bits: number): void {
  fillPrefix(draft.mask.subarray(slot, slot + 4), 4, bits);
  for (let i = 0; i < 4; i++) draft.value[slot + i] = (bytes[from + i] as number) & (draft.mask[slot + i] as number);
}

function readVlan(draft: MatchDraft, wild: number, vlan: number, pcp: number): void {
  let tci = 0;
  let mask = 0;
  if ((wild & WILD.vlan) === 0 && vlan === NO_VLAN) mask = 0xffff;
  else {
    if ((wild & WILD.vlanPcp) === 0) mask |= 0xf000;
    if ((wild & WILD.vlan) === 0) mask |= 0x1fff;
    tci = ((vlan & 0x0fff) | ((pcp & 7) << 13) | 0x1000) & mask;
  }
  draft.value[SLOT.vlan_tci] = tci >>> 8;
  draft.value[SLOT.vlan_tci + 1] = tci & 0xff;
  draft.mask[SLOT.vlan_tci] = mask >>> 8;
  draft.mask[SLOT.vlan_tci + 1] = mask & 0xff;
}
