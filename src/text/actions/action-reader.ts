/** What the parsers of single actions share: numbers as C reads them, ports, tables, parts of fields, and the way to report. */
import { isOfsyncError } from "../../errors.ts";
import type { Action, PortRef, SubField } from "../../flow/actions/action.ts";
import { portRef } from "../../flow/actions/port-ref.ts";
import { type Field, fieldByName } from "../../flow/fields.ts";
import { scanInt } from "../../flow/number-text.ts";
import { fieldByOxmName } from "../../flow/oxm.ts";
import { parsePort } from "../../flow/port-text.ts";
import type { FaultOptions, ParseContext } from "../parse-context.ts";

/** A part of a field and where its text ended. */
export interface ReadSubField {
  readonly field: Field;
  readonly offset: number;
  readonly bits: number;
  readonly stop: number;
}

/** Bits of the wire versions (1 << version) that have an action. */
export const VERSIONS_ALL = 0x7e;

const MAX_32 = 0xffff_ffffn;
const MAX_64 = 0xffff_ffff_ffff_ffffn;

/** One text of actions under reading. */
export class ActionReader {
  readonly ctx: ParseContext;
  /** Bits of the wire versions that can carry everything read so far. */
  usable: number = VERSIONS_ALL;
  depth = 0;
  /** Reads a nested list. */
  readonly list: (start: number, end: number, outer: "ct" | "clone" | "writeActions") => Action[];

  constructor(
    ctx: ParseContext,
    list: (reader: ActionReader, start: number, end: number, outer: "ct" | "clone" | "writeActions") => Action[],
  ) {
    this.ctx = ctx;
    this.list = (start, end, outer) => list(this, start, end, outer);
  }

  text(start: number, end: number): string {
    return this.ctx.text.slice(start, end);
  }

  fail(code: string, message: string, start: number, end: number, hint?: string): never {
    return this.ctx.fail(code, message, start, end, hint === undefined ? {} : { hint });
  }

  /** In strict mode an error, in ovs mode a warning. */
  lenient(code: string, message: string, start: number, end: number, options: FaultOptions): void {
    this.ctx.lenient(code, message, start, end, options);
  }

  /** Only some versions of OpenFlow have what was just read; `mask` has their bits. */
  limitVersions(mask: number): void {
    this.usable &= mask;
  }

  /** A number of at most `max` (8 or 16 bits), in any base that C knows. */
  small(start: number, end: number, what: string, max: 0xff | 0xffff): number {
    const text = this.text(start, end);
    const read = scanInt(text, 0, 0);
    if (read === undefined || read.end !== text.length || read.value < 0n || read.value > BigInt(max)) {
      return this.fail("ACTION_VALUE", `${what} must be a number from 0 to ${max}`, start, end);
    }
    return Number(read.value);
  }

  /** A 32-bit number; ovs-ofctl cuts longer ones. */
  word(start: number, end: number, what: string): number {
    return Number(this.#wide(start, end, what, MAX_32) & MAX_32);
  }

  /** A 64-bit number. */
  long(start: number, end: number, what: string): bigint {
    return this.#wide(start, end, what, MAX_64);
  }

  #wide(start: number, end: number, what: string, max: bigint): bigint {
    const text = this.text(start, end);
    if (text === "") return this.fail("ACTION_VALUE", `${what} is missing`, start, end, "write a number");
    const read = scanInt(text, 0, 0);
    if (read === undefined || read.end !== text.length || read.value > MAX_64 || read.value < -MAX_64) {
      return this.fail("ACTION_VALUE", `${what} must be a number`, start, end);
    }
    if (read.value < 0n || read.value > max) {
      this.lenient("ACTION_RANGE", `${what} is out of range`, start, end, {
        hint: `write 0 to ${max}; ovs-ofctl cuts the number to its lowest bits`,
      });
    }
    return BigInt.asUintN(64, read.value);
  }

  /** A decimal number of which ovs-ofctl takes as many digits as there are, and then as many bits as fit. */
  decimal(start: number, end: number, what: string, max: number): number {
    const text = this.text(start, end);
    const read = scanInt(text, 0, 10);
    const value = read === undefined ? 0n : read.value;
    if (read === undefined || read.end !== text.length || value < 0n || value > BigInt(max)) {
      this.lenient("ACTION_RANGE", `${what} must be a decimal number from 0 to ${max}`, start, end, {
        hint: "ovs-ofctl stops at the first character that is no digit, and cuts the number to its lowest bits",
      });
    }
    const limited = value > 0x7fff_ffff_ffff_ffffn ? -1n : value < -0x8000_0000_0000_0000n ? 0n : value;
    return Number(BigInt.asUintN(32, limited) & BigInt(max > 0xffff ? 0xffff_ffff : max));
  }

  /** A port's 16-bit number; `undefined` when there is none of this name. */
  port(start: number, end: number): number | undefined {
    return parsePort(this.text(start, end), this.ctx.ports);
  }

  portRef(start: number, end: number, what: string): PortRef {
    const port = this.port(start, end);
    if (port === undefined) {
      this.fail(
        "ACTION_PORT",
        `${what}: there is no such port`,
        start,
        end,
        "write a port number, a reserved name such as LOCAL, or a name that is in the port map",
      );
    }
    return portRef(port);
  }

  /** A table, 0 to 255. */
  table(start: number, end: number): number {
    const text = this.text(start, end);
    const read = text.startsWith("-") ? undefined : scanInt(text, 0, 10);
    if (read === undefined || read.end !== text.length || read.value < 0n || read.value > 255n) {
      return this.fail("ACTION_TABLE", "there is no such table", start, end, "write a table number, 0 to 254");
    }
    return Number(read.value);
  }

  /** A part of a field at the start of `[start, end)`, such as `NXM_NX_REG0[0..15]`, `reg0[]` or `reg0`. */
  subfieldPrefix(start: number, end: number): ReadSubField {
    const { text } = this.ctx;
    let nameEnd = start;
    while (nameEnd < end && text[nameEnd] !== "[" && text[nameEnd] !== "-") nameEnd++;
    const name = text.slice(start, nameEnd);
    const field = fieldByOxmName(name.length > 2 && name.endsWith("_W") ? name.slice(0, -2) : name) ?? fieldByName(name);
    if (field === undefined) return this.fail("ACTION_FIELD", `there is no field called ${name}`, start, end);
    let first = 0;
    let last = field.bits - 1;
    let stop = nameEnd;
    if (stop < end && text[stop] === "[") {
      const close = text.indexOf("]", stop);
      const inside = close < 0 || close >= end ? undefined : text.slice(stop + 1, close);
      const range = inside === undefined || inside === "" ? undefined : readRange(inside);
      if (inside === undefined || (inside !== "" && range === undefined)) {
        return this.fail("ACTION_FIELD", "the bits of a field are written [], [BIT] or [FIRST..LAST]", stop, end);
      }
      if (range !== undefined) [first, last] = range;
      stop = close + 1;
    }
    const bits = field.bits === 1 ? "only bit 0" : `bits 0 to ${field.bits - 1}`;
    if (first > last)
      return this.fail("ACTION_FIELD", `bit ${first} lies behind bit ${last}`, start, stop, "write the lower bit first");
    if (first < 0 || last >= field.bits) return this.fail("ACTION_FIELD", `${field.name} has ${bits}`, start, stop);
    return { field, offset: first, bits: last - first + 1, stop };
  }

  /** A part of a field that is all of `[start, end)`. */
  subfield(start: number, end: number): ReadSubField {
    const read = this.subfieldPrefix(start, end);
    if (read.stop !== end) this.fail("ACTION_FIELD", "there is something behind the field", read.stop, end);
    return read;
  }

  /** Would {@link subfield} read it? */
  isSubField(start: number, end: number): boolean {
    try {
      return this.subfieldPrefix(start, end).stop === end;
    } catch (error) {
      if (isOfsyncError(error, "ACTION_FIELD")) return false;
      throw error;
    }
  }

  /** Where `->` begins; throws when there is none, or nothing behind it. */
  arrow(start: number, end: number): number {
    const at = this.ctx.text.indexOf("->", start);
    if (at < 0 || at >= end) return this.fail("ACTION_SYNTAX", "`->` is missing", start, end, "write VALUE->FIELD");
    if (at + 2 >= end) return this.fail("ACTION_SYNTAX", "no field stands behind `->`", start, end, "write VALUE->FIELD");
    return at;
  }

  /** Pairs of hexadecimal digits, with dots or spaces between; `undefined` when there is anything else. */
  hexBytes(start: number, end: number): Uint8Array | undefined {
    const digits = this.text(start, end)
      .replace(/[ .\t\r\n]+/g, " ")
      .trim();
    if (digits === "") return new Uint8Array(0);
    const parts = digits.split(" ");
    if (!parts.every((part) => /^([0-9a-fA-F]{2})+$/.test(part))) return undefined;
    const joined = parts.join("");
    const bytes = new Uint8Array(joined.length / 2);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(joined.slice(2 * i, 2 * i + 2), 16);
    return bytes;
  }
}

// "1", "0..15", as `sscanf("%d")` takes them.
function readRange(inside: string): [number, number] | undefined {
  const first = scanInt(inside, 0, 10);
  if (first === undefined) return undefined;
  const low = Number(BigInt.asIntN(32, first.value));
  if (first.end === inside.length) return [low, low];
  if (inside.slice(first.end, first.end + 2) !== "..") return undefined;
  const last = scanInt(inside, first.end + 2, 10);
  if (last === undefined || last.end !== inside.length) return undefined;
  return [low, Number(BigInt.asIntN(32, last.value))];
}

/** As it goes into a typed action. */
export function subfieldFrom(read: ReadSubField): SubField {
  return { field: read.field.name, offset: read.offset, bits: read.bits };
}
