/**
 * What the codecs of single actions share: how an action is framed, how a fault is reported, and the two tables (encoders by
 * type, wire forms by number) that `registry.ts` puts together.
 */
import type { ByteWriter } from "../../bytes.ts";
import { OfsyncError } from "../../errors.ts";
import type { OxmVersion } from "../oxm.ts";
import type { WireVersion } from "../version.ts";
import type { Action, ActionOf, ActionType } from "./action.ts";

/**
 * The canonical form as a version of its own. It is OpenFlow 1.5 as Open vSwitch writes it, plus the older encodings that 1.5
 * has no words for and that are kept so that what was written is not lost:
 *
 * | action | canonical bytes |
 * | --- | --- |
 * | `load` of at most 64 bits of a field with an NXM header | NXAST_REG_LOAD (7) |
 * | any other `load` | NXAST_REG_LOAD (7), `ofs_nbits` 0xffff, then the value and mask as an OXM TLV |
 * | `set_field` that came as NXAST_REG_LOAD2 | NXAST_REG_LOAD2 (33) |
 * | `move` that came as ONF's copy-field | ONF 3200 |
 * | `mod_vlan_vid`, `set_vlan_vid`, `mod_vlan_pcp`, `set_vlan_pcp` | type 1 or 2; last byte: 1 = push if needed, 2 = a tag is known to be there |
 * | `mod_dl_*`, `mod_nw_*`, `mod_nw_tos`, `mod_nw_ecn` | types 3 to 8, numbered as in OpenFlow 1.1 |
 * | `mod_tp_*` | types 9 and 10; last byte: the IP protocol that the match tells |
 * | `enqueue` | type 11, as in OpenFlow 1.0 |
 * | `set_mpls_label`, `set_mpls_tc` | types 13 and 14 |
 * | `set_tunnel`, `set_tunnel64` | NXAST_SET_TUNNEL (2), NXAST_SET_TUNNEL64 (9) |
 */
export const CANONICAL = 7;

/** A wire version, or {@link CANONICAL}. */
export type CodecVersion = WireVersion | typeof CANONICAL;

/** The version that OXM headers inside this form follow. */
export function oxmVersionOf(version: CodecVersion): OxmVersion {
  return version === CANONICAL ? 6 : version;
}

/** Where encoders write. */
export interface ActionSink {
  readonly w: ByteWriter;
  readonly version: CodecVersion;
  /** Encodes a nested list. */
  actions(list: readonly Action[]): void;
}

export type Encoders = { readonly [T in ActionType]: (action: ActionOf<T>, sink: ActionSink) => void };

/** Whose numbering a wire form's code belongs to. */
export const Vendor = { standard: 0, nicira: 0x2320, onf: 0x4f4e4600 } as const;

/** One encoding of one action. */
export interface WireForm {
  readonly vendor: number;
  readonly code: number;
  /** Bit v is set when version v ({@link CANONICAL} included) has this form. */
  readonly versions: number;
  /** Bytes at least; exactly so many unless `variable`. */
  readonly length: number;
  readonly variable: boolean;
  decode(raw: RawAction): Action;
}

/** Bits for the versions `from` to `to`; with `to` 6 or absent also the canonical form, which is 1.5 and more. */
export function versions(from: WireVersion, to: WireVersion = 6): number {
  return (2 ** (to + 1) - 2 ** from) | (to === 6 ? 1 << CANONICAL : 0);
}

/** The longest action: its length has 16 bits and is a multiple of 8. */
const MAX_LENGTH = 0xfff8;

/** Begins a standard action of `length` bytes (zeros) and returns where it starts. */
export function openStandard(w: ByteWriter, type: number, length: number): number {
  const at = w.reserve(length);
  w.view.setUint32(at, ((type << 16) | length) >>> 0);
  return at;
}

/** Begins a Nicira extension action of `length` bytes (zeros) and returns where it starts. */
export function openNicira(w: ByteWriter, subtype: number, length: number): number {
  const at = w.reserve(length);
  w.view.setUint32(at, (0xffff0000 | length) >>> 0);
  w.view.setUint32(at + 4, Vendor.nicira);
  w.view.setUint16(at + 8, subtype);
  return at;
}

/** Pads the action that began at `start` to 8 bytes and writes its length. */
export function closeAction(w: ByteWriter, start: number): void {
  w.padTo(8, start);
  const length = w.length - start;
  if (length > MAX_LENGTH) throw invalid("", `the action takes ${length} bytes, but at most ${MAX_LENGTH} fit`);
  w.view.setUint16(start + 2, length);
}

/** An error of a typed action, with the path of the faulty part. */
export function invalid(path: string, message: string, hint?: string): OfsyncError {
  return new OfsyncError("ACTION_INVALID", message, {
    place: path === "" ? {} : { field: path },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Puts `prefix` in front of the path of an `ACTION_INVALID` error; other errors pass. */
export function withPath(error: unknown, prefix: string): unknown {
  if (!(error instanceof OfsyncError) || error.code !== "ACTION_INVALID") return error;
  const path = error.place.field;
  const joined = path === undefined ? prefix : path.startsWith("[") ? prefix + path : `${prefix}.${path}`;
  return new OfsyncError(error.code, error.message, {
    place: { ...error.place, field: joined },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
  });
}

/** `value` as a whole number from 0 to `max`. */
export function whole(value: number, path: string, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw invalid(path, `${path} is ${String(value)}, but must be a whole number from 0 to ${max}`);
  }
  return value;
}

/** `value` as an unsigned 64-bit number. */
export function whole64(value: bigint | number, path: string): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= 0xffff_ffff_ffff_ffffn) return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw invalid(path, `${path} is ${String(value)}, but must be an unsigned 64-bit number`);
}

/** A wire error at a byte offset. */
export function wireError(code: string, openflowError: string, message: string, offset: number): OfsyncError {
  return new OfsyncError(code, message, { place: { offset }, openflowError });
}

/**
 * One action's bytes under decoding. Offsets of the readers count from its first byte. `lenient` is set for canonical bytes,
 * whose values were looked at when they came in: `refuse` then does nothing, `fail` still throws.
 */
export class RawAction {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly version: CodecVersion;
  readonly lenient: boolean;
  start = 0;
  end = 0;
  readonly #list: (start: number, end: number, outer: "ct" | "clone") => Action[];

  constructor(
    bytes: Uint8Array,
    view: DataView,
    version: CodecVersion,
    lenient: boolean,
    list: (start: number, end: number, outer: "ct" | "clone") => Action[],
  ) {
    this.bytes = bytes;
    this.view = view;
    this.version = version;
    this.lenient = lenient;
    this.#list = list;
  }

  get length(): number {
    return this.end - this.start;
  }

  u8(at: number): number {
    return this.bytes[this.start + at] as number;
  }

  u16(at: number): number {
    return this.view.getUint16(this.start + at);
  }

  u32(at: number): number {
    return this.view.getUint32(this.start + at);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(this.start + at);
  }

  /** A copy. */
  slice(from: number, to: number): Uint8Array {
    return this.bytes.slice(this.start + from, this.start + to);
  }

  isZero(from: number, to: number = this.length): boolean {
    for (let i = this.start + from; i < this.start + to; i++) if (this.bytes[i] !== 0) return false;
    return true;
  }

  /** Decodes the actions nested in this one, from `from` to its end. */
  actions(from: number, outer: "ct" | "clone"): Action[] {
    return this.#list(this.start + from, this.end, outer);
  }

  /** Throws unless lenient. */
  refuse(openflowError: string, message: string, at = 0): void {
    if (!this.lenient) this.fail(openflowError, message, at);
  }

  fail(openflowError: string, message: string, at = 0): never {
    throw wireError("WIRE_ACTION", openflowError, message, this.start + at);
  }
}
