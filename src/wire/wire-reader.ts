import type { WireVersion } from "../flow/version.ts";
import { failWire } from "./wire-error.ts";

const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads big-endian fields from one message, never beyond `end`. Offsets are bytes from the start of the message. For
 * everything but the flow-stats hot path.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly version: WireVersion;
  /** The next byte to read. */
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number, version: WireVersion) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.version = version;
    this.at = at;
    this.end = end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.end - this.at;
  }

  /** A reader of the next `length` bytes, which this one skips. The caller has checked that they are there. */
  part(length: number): WireReader {
    const start = this.#take(length);
    return new WireReader(this.bytes, start, start + length, this.version);
  }

  /** Throws unless `n` more bytes are there. */
  need(n: number, what: string, openflowError: string): void {
    if (this.end - this.at < n) {
      failWire("WIRE_LENGTH", `${what} needs ${n} bytes, ${this.end - this.at} are left`, this.at, openflowError);
    }
  }

  u8(): number {
    return this.view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.view.getBigUint64(this.#take(8));
  }

  skip(n: number): void {
    this.#take(n);
  }

  /** A copy of the next `n` bytes. */
  take(n: number): Uint8Array {
    const start = this.#take(n);
    return this.bytes.slice(start, start + n);
  }

  /** A copy of all that is left. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** Six bytes as `00:11:22:33:44:55`. */
  mac(): string {
    const start = this.#take(6);
    let text = "";
    for (let i = 0; i < 6; i++) text += (i > 0 ? ":" : "") + (this.bytes[start + i] as number).toString(16).padStart(2, "0");
    return text;
  }

  /**
   * A zero-filled field of `n` bytes; ends at the first zero byte. UTF-8; in text that is not, each byte b above 127 becomes the
   * lone surrogate U+DC00 + b, which `putText` turns back.
   */
  text(n: number): string {
    const start = this.#take(n);
    let end = start;
    while (end < start + n && this.bytes[end] !== 0) end++;
    const bytes = this.bytes.subarray(start, end);
    try {
      return UTF8.decode(bytes);
    } catch {
      return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join("");
    }
  }

  /** Throws `WIRE_VALUE` about the field that ends `back` bytes before the next one. */
  bad(message: string, back: number, openflowError: string): never {
    failWire("WIRE_VALUE", message, this.at - back, openflowError);
  }

  #take(n: number): number {
    const start = this.at;
    if (this.end - start < n) {
      failWire("WIRE_LENGTH", `${n} bytes are needed, ${this.end - start} are left`, start, "OFPBRC_BAD_LEN");
    }
    this.at = start + n;
    return start;
  }
}

/** A type-length-value property (OpenFlow 1.3 table features, 1.4 and later everywhere). */
export interface Property {
  /** The 16-bit type of a standard property. */
  readonly type: number;
  /** 0 for a standard property. */
  readonly experimenter: number;
  readonly expType: number;
  /** Where the property begins, header included. */
  readonly start: number;
  /** The property's own bytes behind its header (and experimenter ids), without padding. */
  readonly body: WireReader;
}

/**
 * Takes the next property. `firstExperimenter`: types from here on carry an experimenter id and type. Throws `WIRE_LENGTH`
 * (`OFPBPC_BAD_LEN`) or `WIRE_VALUE` (`OFPBPC_BAD_EXPERIMENTER`).
 */
export function readProperty(reader: WireReader, alignment = 8, firstExperimenter = 0xffff): Property {
  const start = reader.at;
  reader.need(4, "a property", "OFPBPC_BAD_LEN");
  const type = reader.u16();
  const length = reader.u16();
  const padded = Math.ceil(length / alignment) * alignment;
  if (length < 4 || start + padded > reader.end) {
    failWire("WIRE_LENGTH", `property of ${length} bytes does not fit`, start + 2, "OFPBPC_BAD_LEN");
  }
  let experimenter = 0;
  let expType = 0;
  let bodyStart = start + 4;
  if (type >= firstExperimenter) {
    if (length < 12) failWire("WIRE_LENGTH", `experimenter property of ${length} bytes`, start + 2, "OFPBPC_BAD_LEN");
    experimenter = reader.u32();
    expType = reader.u32();
    bodyStart = start + 12;
    if (experimenter === 0) failWire("WIRE_VALUE", "property of experimenter 0", start + 4, "OFPBPC_BAD_EXPERIMENTER");
  }
  reader.at = start + padded;
  return {
    type,
    experimenter,
    expType,
    start,
    body: new WireReader(reader.bytes, bodyStart, start + length, reader.version),
  };
}

/** The 32-bit value of a property that must hold nothing else. */
export function propertyU32(property: Property): number {
  const { body } = property;
  if (body.left !== 4) failWire("WIRE_LENGTH", "property must hold 4 bytes", property.start + 2, "OFPBPC_BAD_LEN");
  return body.u32();
}

/** The 16-bit value at the front of a property. */
export function propertyU16(property: Property): number {
  const { body } = property;
  if (body.left < 2) failWire("WIRE_LENGTH", "property must hold 2 bytes", property.start + 2, "OFPBPC_BAD_LEN");
  return body.u16();
}
