import type { WireVersion } from "../flow/version.ts";
import { type ErrorNumbers, errorName, errorNumbers } from "./error-codes.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";

/** A refusal. */
export interface ErrorMessage extends MessageHead {
  readonly type: "error";
  /** Such as `OFPFMFC_TABLE_FULL`; `UNKNOWN_ERROR` when the numbers have no name in this version. */
  readonly error: string;
  /** The numbers as they came. Written only of an `UNKNOWN_ERROR`: any other is written by name. */
  readonly numbers?: ErrorNumbers;
  /** The beginning of the message that was refused, at least 64 bytes of it; text of a failed hello. */
  readonly data: Uint8Array;
}

/** Error type of OpenFlow 1.2 and later whose code belongs to an experimenter. */
const EXPERIMENTER_ERROR = 0xffff;
/** Nicira's error type and code for OpenFlow 1.0 and 1.1. */
const NICIRA_ERROR_TYPE = 0xb0c2;

/** Sent in place of an error that a version has no numbers for. */
export const UNENCODABLE_ERROR = "NXBRC_UNENCODABLE_ERROR";

/** The name of numbers without a name. */
export const UNKNOWN_ERROR = "UNKNOWN_ERROR";

export const errorCodec: BodyCodec<ErrorMessage> = {
  decode(reader): Body<ErrorMessage> {
    let type = reader.u16();
    let code = reader.u16();
    let experimenter = 0;
    if (type === NICIRA_ERROR_TYPE && code === 0) {
      reader.need(8, "an extension's error", "OFPBRC_BAD_LEN");
      experimenter = reader.u32();
      type = reader.u16();
      code = reader.u16();
    } else if (type === EXPERIMENTER_ERROR) {
      reader.need(4, "an experimenter's error", "OFPBRC_BAD_LEN");
      experimenter = reader.u32();
      type = code;
      code = 0;
    }
    const name = errorName(domainOf(reader.version), experimenter, type, code);
    const numbers: ErrorNumbers = { experimenter, type, code };
    return { error: name ?? UNKNOWN_ERROR, numbers, data: reader.rest() };
  },
  encode(message, w, version): void {
    const numbers = numbersToSend(message, version);
    if (numbers.experimenter === 0) {
      const at = w.reserve(4);
      w.view.setUint16(at, numbers.type);
      w.view.setUint16(at + 2, numbers.code);
    } else if (version <= 2) {
      const at = w.reserve(12);
      w.view.setUint16(at, NICIRA_ERROR_TYPE);
      w.view.setUint32(at + 4, numbers.experimenter);
      w.view.setUint16(at + 8, numbers.type);
      w.view.setUint16(at + 10, numbers.code);
    } else {
      const at = w.reserve(8);
      w.view.setUint16(at, EXPERIMENTER_ERROR);
      w.view.setUint16(at + 2, numbers.type);
      w.view.setUint32(at + 4, numbers.experimenter);
    }
    w.bytes(message.data);
  },
};

/** Versions that are not known share OpenFlow 1.0's numbers: a failed hello must be readable by everybody. */
function domainOf(version: number): WireVersion {
  return version >= 1 && version <= 6 ? (version as WireVersion) : 1;
}

function numbersToSend(message: ErrorMessage, version: number): ErrorNumbers {
  if (message.error === UNKNOWN_ERROR && message.numbers !== undefined) return message.numbers;
  const domain = domainOf(version);
  return errorNumbers(message.error, domain) ?? (errorNumbers(UNENCODABLE_ERROR, domain) as ErrorNumbers);
}
