import type { ByteWriter } from "../bytes.ts";

/** Header of 32-bit register 0 (NXM_NX_REG0) without its length; register `n` has `n << 9` more. */
const REGISTER = 0x0001_0000;
/** Header of 64-bit register 0 (OXM_OF_PKT_REG0) without its length; register `n` has `n << 9` more. */
const WIDE_REGISTER = 0x8001_0000;
const MASKED = 0x100;

/**
 * Copies the OXM TLVs in `bytes[start, end)` behind what `w` holds, with the 32-bit registers of OpenFlow 1.3 and 1.4 put together
 * to the 64-bit ones that OpenFlow 1.5 has instead: registers 2k and 2k + 1 to wide register k, with a mask when not all of its
 * bits are matched. Nothing is checked but what must be known for that: whether the result is canonical is for the caller to find
 * out. False, with anything behind what `w` held, when a register is malformed, or when the TLVs do not fill the range.
 */
export function mergeRegisters(view: DataView, bytes: Uint8Array, start: number, end: number, w: ByteWriter): boolean {
  let at = start;
  while (at < end) {
    if (end - at < 4) return false;
    const header = view.getUint32(at);
    const next = at + 4 + (header & 0xff);
    if (next > end) return false;
    if (!isRegister(header)) {
      w.bytes(bytes, at, next);
      at = next;
      continue;
    }
    if (!isWellFormed(header)) return false;
    const number = registerOf(header);
    let second = -1;
    if ((number & 1) === 0 && end - next >= 8) {
      const behind = view.getUint32(next);
      if (isRegister(behind) && registerOf(behind) === number + 1) {
        if (!isWellFormed(behind) || next + 4 + (behind & 0xff) > end) return false;
        second = next;
      }
    }
    if (second >= 0) {
      putWide(view, at, second, w);
      at = second + 4 + view.getUint8(second + 3);
    } else {
      if ((number & 1) === 0) putWide(view, at, -1, w);
      else putWide(view, -1, at, w);
      at = next;
    }
  }
  return true;
}

function isRegister(header: number): boolean {
  return (header & 0xffff_e000) === REGISTER;
}

function registerOf(header: number): number {
  return (header >>> 9) & 15;
}

function isWellFormed(header: number): boolean {
  return (header & 0xff) === ((header & MASKED) === 0 ? 4 : 8);
}

/** Appends a wide register from where its halves stand; -1 = that half is not matched. */
function putWide(view: DataView, high: number, low: number, w: ByteWriter): void {
  const number = registerOf(view.getUint32(high >= 0 ? high : low)) >>> 1;
  const highMask = maskOf(view, high);
  const lowMask = maskOf(view, low);
  const exact = (highMask & lowMask) === -1;
  const to = w.extend(exact ? 12 : 20);
  const target = w.view;
  target.setUint32(to, (WIDE_REGISTER | (number << 9) | (exact ? 8 : MASKED | 16)) >>> 0);
  target.setUint32(to + 4, high < 0 ? 0 : view.getUint32(high + 4));
  target.setUint32(to + 8, low < 0 ? 0 : view.getUint32(low + 4));
  if (exact) return;
  target.setInt32(to + 12, highMask);
  target.setInt32(to + 16, lowMask);
}

/** As a signed number: -1 = all bits. */
function maskOf(view: DataView, at: number): number {
  if (at < 0) return 0;
  return (view.getUint8(at + 2) & 1) === 0 ? -1 : view.getInt32(at + 8);
}
