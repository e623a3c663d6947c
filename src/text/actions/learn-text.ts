/** Text of learn. */

import { isOfsyncError } from "../../errors.ts";
import type { Action, ActionOf, LearnAction, LearnSpec } from "../../flow/actions/action.ts";
import { hasNxmHeader, resolveBits } from "../../flow/actions/subfield.ts";
import { toFieldBytes } from "../../flow/actions/values.ts";
import { formatHexBytes } from "../../flow/address-text.ts";
import { readBytes, scanInt } from "../../flow/number-text.ts";
import type { PortNames } from "../../flow/ports.ts";
import { formatFieldValue, parseFieldValue } from "../field-value.ts";
import { KeyValues } from "../key-values.ts";
import { type ActionReader, type ReadSubField, subfieldFrom } from "./action-reader.ts";
import { formatSubField, hexNumber } from "./print.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const DEFAULT_PRIORITY = 0x8000;
const MAX_VALUE_BYTES = 128;

function needNxm(reader: ActionReader, bits: ReadSubField, start: number, end: number): void {
  if (!hasNxmHeader(bits.field))
    reader.fail("ACTION_FIELD", `learn cannot carry ${bits.field.name}, which is an experimenter field`, start, end);
}

// `FIELD=VALUE` for the whole field or for some of its bits; `undefined` when it is neither.
function parseImmediate(reader: ActionReader, bits: ReadSubField, start: number, end: number): Uint8Array {
  const { field } = bits;
  if (bits.offset === 0 && bits.bits === field.bits) {
    const { value, mask } = parseFieldValue(reader.ctx, field, start, end);
    if (mask !== undefined) reader.fail("ACTION_VALUE", "a value to learn takes no mask", start, end);
    return value;
  }
  const value = new Uint8Array(field.bytes);
  if (readBytes(reader.ctx.text, start, end, value, field.bytes) !== end) {
    reader.fail("ACTION_VALUE", "this is neither a part of a field nor a number", start, end);
  }
  checkFits(reader, value, bits.bits, start, end);
  return value;
}

function checkFits(reader: ActionReader, value: Uint8Array, bits: number, start: number, end: number): void {
  for (let bit = bits; bit < value.length * 8; bit++) {
    if ((((value[value.length - 1 - (bit >> 3)] as number) >> (bit & 7)) & 1) === 1) {
      reader.fail("ACTION_VALUE", `the value does not fit in ${bits} bits`, start, end);
    }
  }
}

function parseMatch(reader: ActionReader, destination: ReadSubField, pairs: KeyValues): LearnSpec {
  const { keyStart, keyEnd, valueStart, valueEnd } = pairs;
  needNxm(reader, destination, keyStart, keyEnd);
  const to = subfieldFrom(destination);
  if (valueStart === valueEnd) return { type: "matchField", destination: to, source: to };
  let source: ReadSubField;
  try {
    source = reader.subfield(valueStart, valueEnd);
  } catch (error) {
    if (!isOfsyncError(error, "ACTION_FIELD")) throw error;
    return { type: "matchValue", destination: to, value: parseImmediate(reader, destination, valueStart, valueEnd) };
  }
  needNxm(reader, source, valueStart, valueEnd);
  if (source.bits !== destination.bits) {
    reader.fail("ACTION_VALUE", `one side has ${destination.bits} bits, the other ${source.bits}`, keyStart, valueEnd);
  }
  return { type: "matchField", destination: to, source: subfieldFrom(source) };
}

function parseLoadSpec(reader: ActionReader, start: number, end: number): LearnSpec {
  const { text } = reader.ctx;
  const arrow = text.indexOf("->", start);
  if (arrow === start) reader.fail("ACTION_SYNTAX", "load has nothing before `->`", start, end, "write load:SOURCE->DESTINATION");
  if (arrow < 0 || arrow >= end) reader.fail("ACTION_SYNTAX", "`->` is missing", start, end, "write load:SOURCE->DESTINATION");
  const number = new Uint8Array(MAX_VALUE_BYTES);
  const stop = readBytes(text, start, end, number, MAX_VALUE_BYTES);
  if (typeof stop === "number" && stop !== start) {
    if (stop !== arrow) reader.fail("ACTION_SYNTAX", "there is something between the number and `->`", stop, arrow);
    const destination = reader.subfield(arrow + 2, end);
    needNxm(reader, destination, arrow + 2, end);
    checkFits(reader, number, destination.bits, start, arrow);
    return {
      type: "loadValue",
      destination: subfieldFrom(destination),
      value: number.slice(MAX_VALUE_BYTES - destination.field.bytes),
    };
  }
  const source = reader.subfieldPrefix(start, end);
  if (source.stop !== arrow) reader.fail("ACTION_SYNTAX", "`->` is missing behind the source", source.stop, end);
  const destination = reader.subfield(arrow + 2, end);
  needNxm(reader, source, start, arrow);
  needNxm(reader, destination, arrow + 2, end);
  if (source.bits !== destination.bits) {
    reader.fail("ACTION_VALUE", `the source has ${source.bits} bits, but the destination has ${destination.bits}`, start, end);
  }
  return { type: "loadField", destination: subfieldFrom(destination), source: subfieldFrom(source) };
}

function parseSpec(reader: ActionReader, pairs: KeyValues): LearnSpec {
  const { keyStart, keyEnd, valueStart, valueEnd } = pairs;
  if (reader.isSubField(keyStart, keyEnd)) return parseMatch(reader, reader.subfield(keyStart, keyEnd), pairs);
  if (pairs.key === "load") return parseLoadSpec(reader, valueStart, valueEnd);
  if (pairs.key === "output") {
    const source = reader.subfield(valueStart, valueEnd);
    needNxm(reader, source, valueStart, valueEnd);
    return { type: "output", source: subfieldFrom(source) };
  }
  return reader.fail("ACTION_KEY", `learn knows no ${pairs.key}`, keyStart, keyEnd);
}

function parseCookie(reader: ActionReader, start: number, end: number): bigint {
  const text = reader.text(start, end);
  const read = scanInt(text, 0, 0);
  if (read === undefined || read.end !== text.length || read.value < 0n || read.value > 0xffff_ffff_ffff_ffffn) {
    reader.lenient("ACTION_RANGE", "the cookie must be an unsigned 64-bit number", start, end, {
      hint: "ovs-ofctl reads as far as it can",
    });
  }
  const value = read?.value ?? 0n;
  return value > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : BigInt.asUintN(64, value);
}

/** `learn(KEY=VALUE,...,FIELD=SOURCE,...,load:SOURCE->FIELD,...,output:FIELD)`. */
export function parseLearn(reader: ActionReader, start: number, end: number): Action {
  const learn: Mutable<LearnAction> = { type: "learn", table: 1 };
  const specs: LearnSpec[] = [];
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const { valueStart, valueEnd } = pairs;
    const half = (what: string): number => reader.decimal(valueStart, valueEnd, what, 0xffff);
    switch (pairs.key) {
      case "table":
        learn.table = reader.table(valueStart, valueEnd);
        if (learn.table === 255)
          reader.fail("ACTION_TABLE", "learn cannot write to table 255", valueStart, valueEnd, "write 0 to 254");
        break;
      case "priority":
        learn.priority = half("the priority");
        break;
      case "idle_timeout":
        learn.idleTimeout = half("idle_timeout");
        break;
      case "hard_timeout":
        learn.hardTimeout = half("hard_timeout");
        break;
      case "fin_idle_timeout":
        learn.finIdleTimeout = half("fin_idle_timeout");
        break;
      case "fin_hard_timeout":
        learn.finHardTimeout = half("fin_hard_timeout");
        break;
      case "cookie":
        learn.cookie = parseCookie(reader, valueStart, valueEnd);
        break;
      case "send_flow_rem":
        learn.sendFlowRemoved = true;
        break;
      case "delete_learned":
        learn.deleteLearned = true;
        break;
      case "limit":
        learn.limit = reader.decimal(valueStart, valueEnd, "the limit", 0xffff_ffff);
        break;
      case "result_dst": {
        const bits = reader.subfield(valueStart, valueEnd);
        if (!bits.field.writable) reader.fail("ACTION_READ_ONLY", `${bits.field.name} cannot be written`, valueStart, valueEnd);
        if (bits.bits !== 1)
          reader.fail(
            "ACTION_VALUE",
            "result_dst must be a single bit",
            valueStart,
            valueEnd,
            "write for example NXM_NX_REG0[0]",
          );
        learn.resultDestination = subfieldFrom(bits);
        break;
      }
      default:
        specs.push(parseSpec(reader, pairs));
    }
  }
  learn.specs = specs;
  return learn;
}

function printValue(spec: Extract<LearnSpec, { type: "matchValue" | "loadValue" }>): Uint8Array {
  const { field, bits } = resolveBits(spec.destination, "destination");
  const value = toFieldBytes(field, spec.value, "value");
  return value.slice(value.length - Math.ceil(bits / 8));
}

function printSpec(spec: LearnSpec, ports: PortNames | undefined): string {
  switch (spec.type) {
    case "output":
      return `output:${formatSubField(spec.source)}`;
    case "loadField":
      return `load:${formatSubField(spec.source)}->${formatSubField(spec.destination)}`;
    case "loadValue": {
      const value = printValue(spec);
      return `load:${formatHexBytes(value, value.length)}->${formatSubField(spec.destination)}`;
    }
    case "matchField": {
      const to = formatSubField(spec.destination);
      const same = spec.source.field === spec.destination.field && spec.source.offset === spec.destination.offset;
      return same ? to : `${to}=${formatSubField(spec.source)}`;
    }
    case "matchValue": {
      const { field, offset, bits } = resolveBits(spec.destination, "destination");
      if (offset === 0 && bits === field.bits)
        return `${field.name}=${formatFieldValue(field, toFieldBytes(field, spec.value, "value"), undefined, ports)}`;
      const value = printValue(spec);
      return `${formatSubField(spec.destination)}=${formatHexBytes(value, value.length)}`;
    }
  }
}

/** As Open vSwitch prints it. */
export function printLearn(action: ActionOf<"learn">, ports: PortNames | undefined): string {
  const parts = [`table=${action.table ?? 1}`];
  if (action.idleTimeout) parts.push(`idle_timeout=${action.idleTimeout}`);
  if (action.hardTimeout) parts.push(`hard_timeout=${action.hardTimeout}`);
  if (action.finIdleTimeout) parts.push(`fin_idle_timeout=${action.finIdleTimeout}`);
  if (action.finHardTimeout) parts.push(`fin_hard_timeout=${action.finHardTimeout}`);
  if ((action.priority ?? DEFAULT_PRIORITY) !== DEFAULT_PRIORITY) parts.push(`priority=${action.priority}`);
  if (action.sendFlowRemoved === true) parts.push("send_flow_rem");
  if (action.deleteLearned === true) parts.push("delete_learned");
  if (action.cookie) parts.push(`cookie=${hexNumber(action.cookie)}`);
  if (action.limit) parts.push(`limit=${action.limit}`);
  if (action.resultDestination !== undefined)
    parts.push(`result_dst=${formatSubField({ bits: 1, ...action.resultDestination })}`);
  for (const spec of action.specs ?? []) parts.push(printSpec(spec, ports));
  return `learn(${parts.join(",")})`;
}
