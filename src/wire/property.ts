import type { ByteWriter } from "../bytes.ts";
import { failWire } from "./wire-error.ts";
import type { Property, WireReader } from "./wire-reader.ts";

/** A property that this library does not interpret: kept, and written again as it came. */
export interface OtherProperty {
  readonly type: number;
  /** Of an experimenter's property (types 0xfffe and 0xffff). */
  readonly experimenter?: number;
  readonly expType?: number;
  /** What follows the property's header and experimenter ids, without padding. */
  readonly data: Uint8Array;
}

/** Keeps a property as it is. */
export function keepProperty(property: Property): OtherProperty {
  const { type, experimenter, expType, body } = property;
  const data = body.rest();
  return experimenter === 0 ? { type, data } : { type, experimenter, expType, data };
}

/** Writes a property with its padding. */
export function putOtherProperty(w: ByteWriter, property: OtherProperty): void {
  const start = beginProperty(w, property.type, property.experimenter, property.expType);
  w.bytes(property.data);
  endProperty(w, start);
}

/** Begins a property; {@link endProperty} fills in its length. */
export function beginProperty(w: ByteWriter, type: number, experimenter?: number, expType = 0): number {
  const start = w.reserve(experimenter === undefined ? 4 : 12);
  w.view.setUint16(start, type);
  if (experimenter !== undefined) {
    w.view.setUint32(start + 4, experimenter);
    w.view.setUint32(start + 8, expType);
  }
  return start;
}

/** Fills in the length and appends padding to 8 bytes. */
export function endProperty(w: ByteWriter, start: number): void {
  w.view.setUint16(start + 2, w.length - start);
  w.padTo(8, start);
}

/** Appends a property with one 32-bit value. */
export function putPropertyU32(w: ByteWriter, type: number, value: number): void {
  const at = w.reserve(8);
  w.view.setUint16(at, type);
  w.view.setUint16(at + 2, 8);
  w.view.setUint32(at + 4, value);
}

/**
 * Reads the length at `lengthAt` bytes behind the reader's position, of a structure with at least `minimum` bytes that starts
 * there, and returns a reader of all its bytes. Throws `WIRE_LENGTH` with `openflowError` when the structure does not fit.
 */
export function readSized(
  reader: WireReader,
  lengthAt: number,
  minimum: number,
  unit: number,
  openflowError: string,
): WireReader {
  reader.need(minimum, "a structure", openflowError);
  const length = reader.view.getUint16(reader.at + lengthAt);
  if (length < minimum || length > reader.left || length % unit !== 0) {
    failWire("WIRE_LENGTH", `structure of ${length} bytes, ${reader.left} are left`, reader.at + lengthAt, openflowError);
  }
  return reader.part(length);
}
