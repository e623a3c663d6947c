import { ByteWriter } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import { Match } from "./match.ts";
import { type DecodeMatchOptions, decodeIntoDraft } from "./match-decode.ts";
import { MatchDraft } from "./match-draft.ts";
import { encodeDraft } from "./match-encode.ts";
import { SLOT } from "./match-slots.ts";
import { decodeOfp10, encodeOfp10, OFP10_MATCH_BYTES } from "./ofp10-match.ts";
import type { OxmVersion } from "./oxm.ts";
import { ETH_TYPE } from "./prerequisites.ts";

export type { CookieMatch, DecodeMatchOptions } from "./match-decode.ts";

const draft = /* @__PURE__ */ new MatchDraft();
const other = /* @__PURE__ */ new MatchDraft();
const writer = /* @__PURE__ */ new ByteWriter(512);

function canonical(): Match {
  writer.clear();
  encodeDraft(draft, 6, writer);
  return Match.fromCanonical(writer.finish());
}

/**
 * Reads the OXM or NXM TLVs in `bytes[start, end)` (without `ofp_match` header and padding); headers of every version are taken, as
 * Open vSwitch takes them. An explicit match on Ethernet as packet type is kept, because to a switch that is another slot.
 * Throws {@link OfsyncError} with the byte offset and the OpenFlow error name; the codes are listed at `decodeIntoDraft`.
 */
export function decodeMatch(bytes: Uint8Array, start: number, end: number, options?: DecodeMatchOptions): Match {
  if (start === end) return Match.any;
  draft.clear();
  decodeIntoDraft(bytes, start, end, draft, options);
  return canonical();
}

/**
 * Appends the TLVs of a match, without `ofp_match` header and padding, as Open vSwitch writes them in this version: 3 to 6 for
 * OpenFlow 1.2 to 1.5, 0 for NXM (also used for 1 and 2, whose own match structures are fixed).
 */
export function encodeMatch(match: Match, version: OxmVersion, w: ByteWriter): void {
  encodeMatchBytes(match.bytes, version, w);
}

/** {@link encodeMatch} of canonical bytes. */
export function encodeMatchBytes(bytes: Uint8Array, version: OxmVersion, w: ByteWriter): void {
  if (version === 6) w.bytes(bytes);
  else if (version >= 3) transcode(bytes, version, w);
  else {
    load(bytes);
    encodeDraft(draft, 0, w);
  }
}

function load(bytes: Uint8Array): void {
  draft.clear();
  decodeIntoDraft(bytes, 0, bytes.length, draft, { strict: false });
}

// First header word without length, of the headers that differ between 1.5 and older versions.
const TCP_FLAGS = 0x8000_5400;
const ACTSET_OUTPUT = 0x8000_5600;
const TUNNEL_ID = 0x8000_4c00;
const ONF = 0x4f4e_4600;

// Canonical bytes are walked TLV by TLV; nearly all are the same in every version.
function transcode(bytes: Uint8Array, version: OxmVersion, w: ByteWriter): void {
  let at = 0;
  while (at < bytes.length) {
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const type = bytes[at + 2] as number;
    const length = bytes[at + 3] as number;
    const end = at + 4 + length;
    const header = (high * 0x10000 + ((type & 0xfe) << 8)) >>> 0;
    if (high === 0x8001) splitRegisters(bytes, at + 4, type >> 1, (type & 1) !== 0, w);
    else if (header === TCP_FLAGS) {
      if (version >= 4) putOnf(bytes, at, length, w);
      else putHeader(w, 0x0001_4400 | ((type & 1) << 8) | length, bytes, at + 4, end);
    } else if (header === ACTSET_OUTPUT) putOnf(bytes, at, length, w);
    else if (header === TUNNEL_ID && version < 4) putHeader(w, 0x0001_2000 | ((type & 1) << 8) | length, bytes, at + 4, end);
    else w.bytes(bytes, at, end);
    at = end;
  }
}

function putHeader(w: ByteWriter, header: number, bytes: Uint8Array, from: number, to: number): void {
  w.u32(header);
  w.bytes(bytes, from, to);
}

function putOnf(bytes: Uint8Array, at: number, length: number, w: ByteWriter): void {
  w.u32((0xffff_0000 | ((bytes[at + 2] as number) << 8) | (length + 4)) >>> 0);
  w.u32(ONF);
  w.bytes(bytes, at + 4, at + 4 + length);
}

// One 64-bit register as the one or two 32-bit registers that are matched at all.
function splitRegisters(bytes: Uint8Array, payload: number, xreg: number, masked: boolean, w: ByteWriter): void {
  for (let half = 0; half < 2; half++) {
    const from = payload + half * 4;
    let any = masked ? 0 : 0xff;
    let all = 0xff;
    if (masked) {
      for (let i = 0; i < 4; i++) {
        const m = bytes[from + 8 + i] as number;
        any |= m;
        all &= m;
      }
    }
    if (any === 0) continue;
    const exact = all === 0xff;
    const type = xreg * 2 + half;
    w.u32((0x0001_0000 | (type << 9) | (exact ? 4 : 0x108)) >>> 0);
    w.bytes(bytes, from, from + 4);
    if (!exact) w.bytes(bytes, from + 8, from + 12);
  }
}

const BEYOND_IPV6 = [
  [SLOT.nw_proto, 1],
  [SLOT.nw_tos, 1],
  [SLOT.tp_src, 2],
  [SLOT.tp_dst, 2],
] as const;

/** Can OpenFlow 1.0's own match structure say this? Otherwise OpenFlow 1.0 needs the Nicira extension (NXM). */
export function fitsOfp10(match: Match): boolean {
  load(match.bytes);
  return draftFitsOfp10();
}

function draftFitsOfp10(): boolean {
  // Open vSwitch takes IPv6 only by its Ethernet type from this structure.
  if (draft.ethType === ETH_TYPE.ipv6 && BEYOND_IPV6.some(([slot, bytes]) => draft.touches(slot, bytes))) return false;
  writer.clear();
  encodeOfp10(draft, writer);
  other.clear();
  decodeOfp10(writer.buffer, 0, OFP10_MATCH_BYTES, other);
  writer.clear();
  encodeDraft(draft, 6, writer);
  const wanted = writer.finish();
  writer.clear();
  encodeDraft(other, 6, writer);
  if (writer.length !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (writer.buffer[i] !== wanted[i]) return false;
  return true;
}

/** Appends OpenFlow 1.0's 40-byte match. Throws `MATCH_NOT_IN_OPENFLOW10` for a match that it cannot say. */
export function encodeOfp10Match(match: Match, w: ByteWriter): void {
  load(match.bytes);
  if (!draftFitsOfp10()) {
    throw new OfsyncError("MATCH_NOT_IN_OPENFLOW10", "OpenFlow 1.0's match structure cannot say this match", {
      hint: "send it as an NXT_FLOW_MOD (NXM), or use OpenFlow 1.3 or later",
    });
  }
  encodeOfp10(draft, w);
}

/** Reads OpenFlow 1.0's 40-byte match at `start`. Parts without their prerequisite fall away, as in Open vSwitch. */
export function decodeOfp10Match(bytes: Uint8Array, start: number, end: number): Match {
  draft.clear();
  decodeOfp10(bytes, start, end, draft);
  return canonical();
}
