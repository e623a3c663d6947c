import type { ByteWriter } from "../bytes.ts";
import type { WireVersion } from "../flow/version.ts";
import { failEncode } from "./wire-error.ts";

/**
 * Appends an `ofp_match` (type OXM, length, TLVs, padding to 8 bytes) from canonical bytes: a copy in OpenFlow 1.5.
 */
export function putMatchBytes(w: ByteWriter, buffer: Uint8Array, start: number, length: number, version: WireVersion): void {
  if (version !== 6) failEncode("only OpenFlow 1.5 so far", "version");
  const size = (4 + length + 7) & ~7;
  const at = w.reserve(size);
  w.view.setUint32(at, 0x0001_0000 | (4 + length));
  copy(w, at + 4, buffer, start, length);
}

/** Appends instructions from canonical bytes: a copy in OpenFlow 1.5 where the standard has every action of them. */
export function putInstructionBytes(
  w: ByteWriter,
  buffer: Uint8Array,
  start: number,
  length: number,
  version: WireVersion,
  matchBuffer: Uint8Array,
  matchStart: number,
  matchLength: number,
): void {
  if (version !== 6) failEncode("only OpenFlow 1.5 so far", "version");
  void matchBuffer;
  void matchStart;
  void matchLength;
  const at = w.reserve(length);
  copy(w, at, buffer, start, length);
}

/** Short runs byte by byte: a call of `set` costs more than it saves below about a hundred bytes. */
function copy(w: ByteWriter, at: number, source: Uint8Array, start: number, length: number): void {
  const target = w.buffer;
  if (length > 96) {
    target.set(source.subarray(start, start + length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number;
}
