import { OfsyncError } from "../errors.ts";

/**
 * Codes of the errors this room throws:
 * - `WIRE_TRUNCATED`: fewer bytes than the header announces (offset 0 = not even a header);
 * - `WIRE_LENGTH`: a length field that cannot be true, or a structure that does not fit into it;
 * - `WIRE_VALUE`: a number that its field does not allow;
 * - `WIRE_MESSAGE`: a message, statistic or property that is not known or not allowed here;
 * - `WIRE_UNENCODABLE`: something that this OpenFlow version cannot carry (encoding only).
 */
export type WireErrorCode = "WIRE_TRUNCATED" | "WIRE_LENGTH" | "WIRE_VALUE" | "WIRE_MESSAGE" | "WIRE_UNENCODABLE";

/** Throws a typed error about the byte at `offset`; `openflowError` is what a switch would answer. */
export function failWire(code: WireErrorCode, message: string, offset: number, openflowError: string): never {
  throw new OfsyncError(code, `${message} (byte ${offset})`, { place: { offset }, openflowError });
}

/** Throws a typed error about the part `field` of a message that was to be encoded. */
export function failEncode(message: string, field: string, openflowError?: string): never {
  throw new OfsyncError("WIRE_UNENCODABLE", message, {
    place: { field },
    ...(openflowError === undefined ? {} : { openflowError }),
  });
}
