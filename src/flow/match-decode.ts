import { OfsyncError } from "../errors.ts";
import { isFieldValueValid } from "./field-limits.ts";
import type { Field } from "./fields.ts";
import type { MatchDraft } from "./match-draft.ts";
import { readOxmHeader } from "./oxm.ts";
import { prerequisiteMet } from "./prerequisites.ts";

/** The cookie that Nicira's flow messages carry inside their match. */
export interface CookieMatch {
  value: bigint;
  /** 0: none. */
  mask: bigint;
}

export interface DecodeMatchOptions {
  /** Refuse unknown fields and missing prerequisites (default); otherwise skip them. */
  readonly strict?: boolean;
  /** Where a cookie in the match goes (Nicira flow messages only); without it a cookie is an unknown field. */
  readonly cookie?: CookieMatch;
}

const value = /* @__PURE__ */ new Uint8Array(128);
const mask = /* @__PURE__ */ new Uint8Array(128);

function fault(code: string, message: string, offset: number, openflowError: string, hint?: string): OfsyncError {
  return new OfsyncError(code, message, { place: { offset }, openflowError, ...(hint === undefined ? {} : { hint }) });
}

/**
 * Reads the TLVs in `bytes[start, end)` into a cleared draft. Errors carry the byte offset of the TLV and the name of the error
 * that Open vSwitch answers with: `WIRE_LENGTH` (OFPBMC_BAD_LEN), `WIRE_FIELD` (OFPBMC_BAD_FIELD), `WIRE_MASK`
 * (OFPBMC_BAD_MASK or OFPBMC_BAD_WILDCARDS), `WIRE_VALUE` (OFPBMC_BAD_VALUE), `WIRE_PREREQUISITE` (OFPBMC_BAD_PREREQ),
 * `WIRE_DUPLICATE` (OFPBMC_DUP_FIELD).
 */
export function decodeIntoDraft(
  bytes: Uint8Array,
  start: number,
  end: number,
  draft: MatchDraft,
  options: DecodeMatchOptions = {},
): void {
  const strict = options.strict ?? true;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  while (at < end) {
    const header = readOxmHeader(view, at, end);
    const next = at + header.size;
    if (next > end) {
      throw fault(
        "WIRE_LENGTH",
        `an OXM header calls for ${header.size} bytes, but only ${end - at} are left`,
        at,
        "OFPBMC_BAD_LEN",
      );
    }
    const width = header.payloadLength;
    if (header.masked) checkWildcards(bytes, header.payloadStart, width, at);
    if (header.field === undefined) {
      const cookie = options.cookie;
      if (cookie !== undefined && header.oxmClass === 1 && header.type === 30 && width === 8) {
        readCookie(view, header.payloadStart, header.masked, cookie, at);
      } else if (strict) {
        const name = `class 0x${header.oxmClass.toString(16)}, type ${header.type}, length ${header.size - (header.payloadStart - at)}`;
        throw fault("WIRE_FIELD", `no match field has this OXM header (${name})`, at, "OFPBMC_BAD_FIELD");
      }
      at = next;
      continue;
    }
    copyPayload(header.field, bytes, header.payloadStart, width, header.masked);
    putField(draft, header.field, at, strict);
    at = next;
  }
}

function checkWildcards(bytes: Uint8Array, payload: number, width: number, at: number): void {
  for (let i = 0; i < width; i++) {
    if (((bytes[payload + i] as number) & ~(bytes[payload + width + i] as number)) !== 0) {
      throw fault("WIRE_MASK", "the value has bits that its mask leaves out", at, "OFPBMC_BAD_WILDCARDS");
    }
  }
}

function copyPayload(field: Field, bytes: Uint8Array, payload: number, width: number, masked: boolean): void {
  const length = Math.min(width, field.bytes);
  const pad = field.bytes - length;
  if (pad > 0) value.fill(0, 0, pad);
  for (let i = 0; i < length; i++) value[pad + i] = bytes[payload + i] as number;
  if (!masked) {
    mask.fill(0xff, 0, field.bytes);
    return;
  }
  if (pad > 0) mask.fill(0, 0, pad);
  for (let i = 0; i < length; i++) mask[pad + i] = bytes[payload + width + i] as number;
}

function putField(draft: MatchDraft, field: Field, at: number, strict: boolean): void {
  const { name } = field;
  if (!field.maskable && !exactOrWild(field.bytes)) {
    throw fault("WIRE_MASK", `${name} takes no mask`, at, "OFPBMC_BAD_MASK");
  }
  if (!isFieldValueValid(field, value)) {
    throw fault("WIRE_VALUE", `the value is out of range for ${name}`, at, "OFPBMC_BAD_VALUE");
  }
  if (strict && !prerequisiteMet(draft, field.prerequisite)) {
    throw fault("WIRE_PREREQUISITE", `${name} stands before what it needs to be matched first`, at, "OFPBMC_BAD_PREREQ");
  }
  if (!draft.isWild(field)) throw fault("WIRE_DUPLICATE", `${name} is matched twice`, at, "OFPBMC_DUP_FIELD");
  const problem = draft.set(field, value, mask);
  if (problem !== undefined && problem !== "unusable") {
    throw fault("WIRE_VALUE", `${name} cannot be matched: the tunnel metadata is too long`, at, "OFPBMC_BAD_VALUE");
  }
  if (field.prerequisite !== "none") draft.implyEthernet();
}

function exactOrWild(bytes: number): boolean {
  const first = mask[0];
  if (first !== 0 && first !== 0xff) return false;
  for (let i = 1; i < bytes; i++) if (mask[i] !== first) return false;
  return true;
}

function readCookie(view: DataView, payload: number, masked: boolean, cookie: CookieMatch, at: number): void {
  if (cookie.mask !== 0n) throw fault("WIRE_DUPLICATE", "the cookie is matched twice", at, "OFPBMC_DUP_FIELD");
  cookie.value = view.getBigUint64(payload);
  cookie.mask = masked ? view.getBigUint64(payload + 8) : 0xffff_ffff_ffff_ffffn;
}
