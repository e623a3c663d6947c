import type { ByteWriter } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import { FIELDS, type Field, type OxmHeader } from "./fields.ts";

/** OXM class of experimenter headers: 4 bytes of experimenter id follow the header and count in its length. */
export const EXPERIMENTER_CLASS = 0xffff;

/**
 * A match encoding: the version byte of an OpenFlow header (3 to 6 for OXM), or 0 for Nicira's NXM, in which OpenFlow 1.0
 * carries what its own match structure cannot.
 */
export type OxmVersion = 0 | 1 | 2 | 3 | 4 | 5 | 6;

// Headers are looked up by class, type and experimenter; together they fit a safe integer: 16 + 7 + 3 bits.
const EXPERIMENTERS: readonly number[] = [0, 0x2320, 0x4f4e4600, 0x005ad650];

function headerKey(oxmClass: number, type: number, experimenter: number): number {
  const index = EXPERIMENTERS.indexOf(experimenter);
  return index < 0 ? -1 : (oxmClass << 10) | (type << 3) | index;
}

interface KnownHeader {
  readonly field: Field;
  readonly header: OxmHeader;
}

// Made when first asked for, so that loading this file stays quick.
let byHeader: ReadonlyMap<number, KnownHeader> | undefined;
let byHeaderName: ReadonlyMap<string, Field> | undefined;

function headerTable(): ReadonlyMap<number, KnownHeader> {
  const table = new Map<number, KnownHeader>();
  for (const field of FIELDS) {
    for (const header of field.headers)
      table.set(headerKey(header.oxmClass, header.type, header.experimenter), { field, header });
  }
  return table;
}

function headerNames(): ReadonlyMap<string, Field> {
  return new Map(FIELDS.flatMap((field) => field.headers.map((header) => [header.name, field] as const)));
}

// Open vSwitch takes the newest header that the version knows, and of two equally old ones the Nicira one. A field whose every
// header is younger than the version is still sent, with its oldest header.
function choose(field: Field, version: number): OxmHeader | undefined {
  let oldest: OxmHeader | undefined;
  let best: OxmHeader | undefined;
  for (const header of field.headers) {
    if (oldest === undefined || header.since < oldest.since) oldest = header;
    if (header.since <= version && (best === undefined || header.since >= best.since)) best = header;
  }
  return best ?? oldest;
}

// chosen[version][field.id]; the row of a version is made when first asked for.
const chosen: (readonly (OxmHeader | undefined)[] | undefined)[] = [];

/** The header that Open vSwitch writes for a field in this version; `undefined` for fields that OpenFlow cannot carry. */
export function oxmHeaderFor(field: Field, version: OxmVersion): OxmHeader | undefined {
  let row = chosen[version];
  if (row === undefined) {
    row = FIELDS.map((each) => choose(each, version));
    chosen[version] = row;
  }
  return row[field.id];
}

function knownHeader(oxmClass: number, type: number, experimenter: number): KnownHeader | undefined {
  byHeader ??= headerTable();
  return byHeader.get(headerKey(oxmClass, type, experimenter));
}

/** The field with this header; `experimenter` is 0 unless the class is {@link EXPERIMENTER_CLASS}. */
export function fieldByHeader(oxmClass: number, type: number, experimenter: number): Field | undefined {
  return knownHeader(oxmClass, type, experimenter)?.field;
}

/** The field with this OXM or NXM name, such as `NXM_NX_REG0` or `OXM_OF_ETH_SRC`, without `_W` and without brackets. */
export function fieldByOxmName(name: string): Field | undefined {
  byHeaderName ??= headerNames();
  return byHeaderName.get(name);
}

/**
 * Appends a field's header (with the experimenter id, if it has one) in the form that Open vSwitch uses for that version.
 * `payloadBytes` is the length of the value alone, default the field's width; with `masked` the header says twice that.
 * Throws {@link OfsyncError} `FIELD_NOT_ON_WIRE` for a field without a header.
 */
export function putOxmHeader(
  w: ByteWriter,
  field: Field,
  version: OxmVersion,
  masked: boolean,
  payloadBytes: number = field.bytes,
): void {
  const header = oxmHeaderFor(field, version);
  if (header === undefined) {
    throw new OfsyncError("FIELD_NOT_ON_WIRE", `${field.name} cannot be carried over OpenFlow`, {
      place: { field: field.name },
      openflowError: "OFPBMC_BAD_FIELD",
    });
  }
  const payload = masked ? payloadBytes * 2 : payloadBytes;
  if (header.oxmClass === EXPERIMENTER_CLASS) {
    const at = w.reserve(8);
    w.view.setUint32(at, ((header.oxmClass << 16) | (header.type << 9) | (masked ? 0x100 : 0) | (payload + 4)) >>> 0);
    w.view.setUint32(at + 4, header.experimenter);
  } else {
    const at = w.reserve(4);
    w.view.setUint32(at, ((header.oxmClass << 16) | (header.type << 9) | (masked ? 0x100 : 0) | payload) >>> 0);
  }
}

/** One header as read from bytes. */
export interface ReadOxmHeader {
  /** `undefined`: no field has this header, or its length is wrong for the field. */
  readonly field: Field | undefined;
  readonly oxmClass: number;
  readonly type: number;
  readonly experimenter: number;
  readonly masked: boolean;
  /** Offset of the value. */
  readonly payloadStart: number;
  /** Bytes of the value alone (half of the payload when masked). */
  readonly payloadLength: number;
  /** Bytes of header and payload together; where the next header starts. Not checked against `end`: actions carry bare headers. */
  readonly size: number;
}

/**
 * Reads the header at `offset`. Throws {@link OfsyncError} `WIRE_LENGTH` (`OFPBMC_BAD_LEN`) when the bytes end inside the header
 * or the length does not cover the experimenter id. Whether the payload lies before `end` is for the caller to check.
 */
export function readOxmHeader(view: DataView, offset: number, end: number): ReadOxmHeader {
  if (end - offset < 4) throw truncated(offset, end - offset);
  const word = view.getUint32(offset);
  const oxmClass = word >>> 16;
  const type = (word >>> 9) & 0x7f;
  const masked = (word & 0x100) !== 0;
  const length = word & 0xff;
  let experimenter = 0;
  let headerBytes = 4;
  if (oxmClass === EXPERIMENTER_CLASS) {
    if (end - offset < 8) throw truncated(offset, end - offset);
    experimenter = view.getUint32(offset + 4);
    headerBytes = 8;
    if (length < 4) {
      throw new OfsyncError(
        "WIRE_LENGTH",
        `an experimenter OXM header says ${length} bytes, but its experimenter id alone has 4`,
        {
          place: { offset },
          openflowError: "OFPBMC_BAD_LEN",
        },
      );
    }
  }
  const payload = length - (headerBytes - 4);
  const payloadLength = masked ? payload >> 1 : payload;
  const entry = knownHeader(oxmClass, type, experimenter);
  let field: Field | undefined;
  if (entry !== undefined) {
    const expected = entry.header.length - (headerBytes - 4);
    // An odd payload under a mask is rounded down, as Open vSwitch does when it looks a masked header up.
    if (entry.field.variable || payloadLength === expected) field = entry.field;
  }
  return {
    field,
    oxmClass,
    type,
    experimenter,
    masked,
    payloadStart: offset + headerBytes,
    payloadLength,
    size: headerBytes + payload,
  };
}

function truncated(offset: number, left: number): OfsyncError {
  return new OfsyncError("WIRE_LENGTH", `an OXM header needs 4 bytes (8 with an experimenter id), but only ${left} are left`, {
    place: { offset },
    openflowError: "OFPBMC_BAD_LEN",
  });
}
