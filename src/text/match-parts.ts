import { fieldByAnyName, similarFieldNames } from "../flow/field-names.ts";
import { FieldScratch, readFieldValue } from "../flow/field-text.ts";
import { type Field, fieldByName } from "../flow/fields.ts";
import { type MatchBuilder, PROTOCOL_KEYWORDS } from "../flow/match-builder.ts";
import { readBytes, scanInt } from "../flow/number-text.ts";
import { fieldByOxmName } from "../flow/oxm.ts";
import type { KeyValues } from "./key-values.ts";
import type { ParseContext } from "./parse-context.ts";

const scratch = /* @__PURE__ */ new FieldScratch();
const number = /* @__PURE__ */ new Uint8Array(124);

// Open vSwitch prints these two, but reads them only under their full names.
const PRINTED_NAMES: Readonly<Record<string, string>> = { gtpu_flags: "tun_gtpu_flags", gtpu_msgtype: "tun_gtpu_msgtype" };

/** Reads one part of a flow's text into the builder; false when it is no part of a match. */
export function readMatchPart(ctx: ParseContext, parts: KeyValues, builder: MatchBuilder): boolean {
  const name = parts.key;
  const protocol = PROTOCOL_KEYWORDS.get(name);
  if (protocol !== undefined) {
    refuseValue(ctx, parts, name);
    builder.addProtocol(ctx, name, parts.keyStart, parts.valueEnd, protocol[0], protocol[1]);
    return true;
  }
  if (name === "eth") {
    refuseValue(ctx, parts, name);
    builder.addEthernet(ctx, parts.keyStart, parts.keyEnd);
    return true;
  }
  const target =
    fieldByName(name) ?? (Object.hasOwn(PRINTED_NAMES, name) ? fieldByName(PRINTED_NAMES[name] as string) : undefined);
  if (target !== undefined) {
    readField(ctx, parts, builder, target, name);
    return true;
  }
  if (name.includes("[")) {
    readPart(ctx, parts, builder, name);
    return true;
  }
  return false;
}

/** A keyword was given a value, which ovs-ofctl ignores. */
export function refuseValue(ctx: ParseContext, parts: KeyValues, name: string): void {
  if (parts.delimiter === 0) return;
  ctx.lenient("FLOW_SYNTAX", `${name} takes no value`, parts.keyEnd, parts.valueEnd, { hint: `write ${name} alone` });
}

/** Nothing is known by this name. */
export function failUnknown(ctx: ParseContext, parts: KeyValues): never {
  const name = parts.key;
  const standard = fieldByAnyName(name);
  const oxm = fieldByOxmName(name);
  const similar =
    standard !== undefined ? [standard.name] : oxm !== undefined ? [oxm.name, `${name}[]`] : similarFieldNames(name);
  return ctx.fail(
    "FLOW_KEYWORD",
    `${name === "" ? "a name is missing here" : `${name} is no keyword of flows`}`,
    parts.keyStart,
    parts.keyEnd,
    {
      ...(similar.length === 0 ? {} : { hint: `perhaps ${similar.join(" or ")}` }),
    },
  );
}

function readField(ctx: ParseContext, parts: KeyValues, builder: MatchBuilder, target: Field, name: string): void {
  const { valueStart, valueEnd } = parts;
  if (valueStart === valueEnd) {
    readEmpty(ctx, parts, target, name);
  } else readFieldValue(ctx, target, valueStart, valueEnd, scratch);
  builder.add(ctx, target, name, parts.keyStart, valueEnd, scratch);
}

// A field without a value matches any value: only tunnel metadata is worth asking for like that.
function readEmpty(ctx: ParseContext, parts: KeyValues, target: Field, name: string): void {
  const { keyStart, valueEnd } = parts;
  switch (target.format) {
    case "dec":
    case "hex":
    case "ctState":
    case "tcpFlags":
    case "tunFlags":
      break;
    default:
      ctx.fail(target.format.startsWith("port") ? "FIELD_PORT" : "FIELD_SYNTAX", `${name} needs a value`, keyStart, valueEnd, {
        hint: `write ${name}=… or leave it out`,
      });
  }
  if (!target.variable) {
    ctx.lenient("FLOW_VALUE_MISSING", `${name} without a value matches everything`, keyStart, valueEnd, {
      hint: `write ${name}=… or leave it out`,
    });
  }
  scratch.value.fill(0, 0, target.bytes);
  scratch.mask.fill(0, 0, target.bytes);
  scratch.masked = true;
}

interface Part {
  readonly target: Field;
  readonly first: number;
  readonly bits: number;
}

// `reg0[0..3]=5`: some bits of a field, whose other bits stay as they are.
function readPart(ctx: ParseContext, parts: KeyValues, builder: MatchBuilder, name: string): void {
  const { target, first, bits } = parsePart(ctx, parts, name);
  const { valueStart, valueEnd } = parts;
  const stop = readBytes(ctx.text, valueStart, valueEnd, number, target.bytes);
  if (stop !== valueEnd) {
    ctx.fail("FIELD_SYNTAX", "a run of bits takes one number without a mask", valueStart, valueEnd, { hint: `write ${name}=5` });
  }
  if (!fitsBits(number, target.bytes, bits)) {
    ctx.fail("FIELD_RANGE", `the value does not fit in ${bits} ${bits === 1 ? "bit" : "bits"}`, valueStart, valueEnd);
  }
  builder.draft.get(target, scratch.value, scratch.mask);
  for (let bit = 0; bit < bits; bit++) {
    const from = number[target.bytes - 1 - (bit >> 3)] as number;
    const to = target.bytes - 1 - ((bit + first) >> 3);
    const flag = 1 << ((bit + first) & 7);
    const set = (from >> (bit & 7)) & 1;
    scratch.value[to] = set === 1 ? (scratch.value[to] as number) | flag : (scratch.value[to] as number) & ~flag;
    scratch.mask[to] = (scratch.mask[to] as number) | flag;
  }
  scratch.masked = true;
  builder.add(ctx, target, name, parts.keyStart, valueEnd, scratch, true);
}

function fitsBits(value: Uint8Array, bytes: number, bits: number): boolean {
  for (let bit = bits; bit < bytes * 8; bit++) {
    if (((value[bytes - 1 - (bit >> 3)] as number) & (1 << (bit & 7))) !== 0) return false;
  }
  return true;
}

function parsePart(ctx: ParseContext, parts: KeyValues, name: string): Part {
  const { keyStart, keyEnd } = parts;
  const fail = (message: string, hint: string): never => ctx.fail("FIELD_SUBFIELD", message, keyStart, keyEnd, { hint });
  const nameEnd = name.search(/[[-]/);
  const fieldName = name.slice(0, nameEnd);
  const target = fieldByOxmName(fieldName.endsWith("_W") ? fieldName.slice(0, -2) : fieldName) ?? fieldByName(fieldName);
  if (target === undefined) {
    const similar = similarFieldNames(fieldName);
    return fail(
      `no field is called ${fieldName}`,
      similar.length === 0 ? "name a match field" : `perhaps ${similar.join(" or ")}`,
    );
  }
  const range = readRange(name, nameEnd, target.bits);
  if (range === undefined)
    return fail("the bits of a field are written [], [bit] or [first..last]", `write ${target.name}[0..3]`);
  const { first, last } = range;
  if (first > last) return fail(`bit ${first} comes after bit ${last}`, "put the lower bit first");
  if (first < 0 || last >= target.bits)
    return fail(`${target.name} has only ${target.bits} bits`, `its bits are 0 to ${target.bits - 1}`);
  return { target, first, bits: last - first + 1 };
}

function readRange(name: string, open: number, bits: number): { first: number; last: number } | undefined {
  if (name[open] !== "[") return undefined;
  let first = 0;
  let last = bits - 1;
  let at = open + 1;
  if (name[at] !== "]") {
    const start = scanInt(name, at, 10);
    if (start === undefined) return undefined;
    first = Number(BigInt.asIntN(32, start.value));
    last = first;
    at = start.end;
    if (name.startsWith("..", at)) {
      const stop = scanInt(name, at + 2, 10);
      if (stop === undefined) return undefined;
      last = Number(BigInt.asIntN(32, stop.value));
      at = stop.end;
    }
  }
  return name[at] === "]" && at + 1 === name.length ? { first, last } : undefined;
}
