/** When do two values mean the same although their bytes differ? */
import { ByteWriter, equalBytes } from "../bytes.ts";
import { CANONICAL } from "./actions/codec.ts";
import { decodeCanonical, encodeInstructionList } from "./actions/instruction-list.ts";
import { normalActions } from "./actions/normal-form.ts";
import type { Instructions } from "./instructions.ts";
import { EXPERIMENTER_CLASS, fieldByHeader } from "./oxm.ts";

const WRITE_ACTIONS = 3;
const APPLY_ACTIONS = 4;
const WRITE_METADATA = 2;
const NICIRA = 0x2320;
const CONTROLLER_PORT = 0xffff_fffd;
/** NXM_OF_IP_TOS without mask. */
const IP_TOS = 0x0000_0a01;

const view: { bytes: Uint8Array; data: DataView } = { bytes: new Uint8Array(0), data: new DataView(new ArrayBuffer(0)) };

function dataOf(bytes: Uint8Array): DataView {
  if (view.bytes !== bytes) {
    view.bytes = bytes;
    view.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return view.data;
}

// Is this masked set_field surely in normal form: some bits under the mask and some not, and none of the value outside?
function isMaskNormal(data: DataView, at: number, header: number): boolean {
  const oxmClass = header >>> 16;
  const long = oxmClass === EXPERIMENTER_CLASS;
  const field = fieldByHeader(oxmClass, (header >>> 9) & 0x7f, long ? data.getUint32(at + 8) : 0);
  // Where the width is not the whole of its bytes, the slow way looks at it.
  if (field === undefined || field.variable || field.bits !== field.bytes * 8) return false;
  const start = at + (long ? 12 : 8);
  let some = 0;
  let all = 0xff;
  for (let i = 0; i < field.bytes; i++) {
    const mask = data.getUint8(start + field.bytes + i);
    some |= mask;
    all &= mask;
    if ((data.getUint8(start + i) & ~mask) !== 0) return false;
  }
  return some !== 0 && all !== 0xff;
}

// Is the Nicira action surely in normal form?
function isNiciraNormal(data: DataView, at: number, end: number): boolean {
  switch (data.getUint16(at + 8)) {
    case 1: // resubmit
    case 2: // set_tunnel
    case 7: // load
    case 9: // set_tunnel64
    case 21: // dec_ttl(ids)
    case 32: // output_reg2
    case 33: // load2
    case 37: // controller2
    case 38: // sample2
    case 41: // sample3
    case 45: // learn2
      return false;
    case 35: // ct
      return areCtActionsNormal(data, at + 24, end);
    case 42: // clone
      return areActionsNormal(data, at + 16, end);
    default:
      return true;
  }
}

const NAT = 36;
/** `range_present` bits that say that a range has an end. */
const RANGE_ENDS = 2 | 8 | 32;

// A nat stands first and alone, and its range has no end that might be its start.
function areCtActionsNormal(data: DataView, start: number, end: number): boolean {
  for (let at = start; at < end; at += data.getUint16(at + 2)) {
    const isNat = data.getUint16(at) === 0xffff && data.getUint16(at + 8) === NAT;
    if (isNat && (at !== start || (data.getUint16(at + 14) & RANGE_ENDS) !== 0)) return false;
  }
  return areActionsNormal(data, start, end);
}

function areActionsNormal(data: DataView, start: number, end: number): boolean {
  // Header of the set_field before, without its mask bit and length; -1 when the action before is none.
  let written = -1;
  for (let at = start; at < end; ) {
    const type = data.getUint16(at);
    const next = at + data.getUint16(at + 2);
    let writes = -1;
    if (type === 25) {
      const header = data.getUint32(at + 4);
      writes = header >>> 9;
      if (writes === written || header === IP_TOS) return false;
      if ((header & 0x100) !== 0 && !isMaskNormal(data, at, header)) return false;
    } else if (type === 0xffff) {
      if (data.getUint32(at + 4) !== NICIRA || !isNiciraNormal(data, at, next)) return false;
    } else if (type === 0) {
      if (data.getUint16(at + 8) !== 0 && data.getUint32(at + 4) !== CONTROLLER_PORT) return false;
    } else if (type < 16 || type === 23) return false;
    written = writes;
    at = next;
  }
  return true;
}

function isNormal(bytes: Uint8Array): boolean {
  const data = dataOf(bytes);
  for (let at = 0; at < bytes.length; ) {
    const type = data.getUint16(at);
    const next = at + data.getUint16(at + 2);
    if (type === APPLY_ACTIONS || type === WRITE_ACTIONS) {
      if (!areActionsNormal(data, at + 8, next)) return false;
    } else if (type === WRITE_METADATA) {
      if ((data.getUint32(at + 8) & ~data.getUint32(at + 16)) !== 0 || (data.getUint32(at + 12) & ~data.getUint32(at + 20)) !== 0)
        return false;
    }
    at = next;
  }
  return true;
}

const scratch = /* @__PURE__ */ new ByteWriter(512);

/**
 * Canonical bytes in the form that is the same for all values that mean the same; the very same array when they are in that form
 * already, which one scan finds out. The rules are in `actions/normal-form.ts`.
 */
export function instructionsMeaning(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || isNormal(bytes)) return bytes;
  scratch.clear();
  encodeInstructionList(normalActions(decodeCanonical(bytes)), CANONICAL, scratch);
  const normal = scratch.finish();
  return equalBytes(normal, bytes) ? bytes : normal;
}

/** Do both do the same to every packet, as far as Open vSwitch reports one as the other? */
export function sameMeaning(a: Instructions, b: Instructions): boolean {
  return a.equals(b) || equalBytes(instructionsMeaning(a.bytes), instructionsMeaning(b.bytes));
}
