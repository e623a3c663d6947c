/** Text of the actions that write and copy fields: set_field, load, move, push, pop, check_pkt_larger, delete_field. */
import type { Action, ActionOf } from "../../flow/actions/action.ts";
import { knownField, resolveBits } from "../../flow/actions/subfield.ts";
import { copyBits, getBits, toFieldBytes } from "../../flow/actions/values.ts";
import { formatHexBytes } from "../../flow/address-text.ts";
import { describeLimit, isFieldValueValid } from "../../flow/field-limits.ts";
import { type Field, fieldByName } from "../../flow/fields.ts";
import { readBytes } from "../../flow/number-text.ts";
import { fieldByOxmName } from "../../flow/oxm.ts";
import type { PortNames } from "../../flow/ports.ts";
import { formatFieldValue, parseFieldValue } from "../field-value.ts";
import { type ActionReader, subfieldFrom } from "./action-reader.ts";
import { formatSubField, hexNumber } from "./print.ts";

// Open vSwitch prints a write of no bit as ANY, and part of a field that takes no mask as value/mask, but reads neither. ofsync does.
function readPrintedMask(
  reader: ActionReader,
  field: Field,
  start: number,
  end: number,
): { value: Uint8Array; mask: Uint8Array } | undefined {
  if (reader.ctx.compat !== "strict") return undefined;
  // In a port, ANY is the port of that name.
  const isPort = field.format === "port" || field.format === "port10";
  if (!isPort && reader.text(start, end) === "ANY")
    return { value: new Uint8Array(field.bytes), mask: new Uint8Array(field.bytes) };
  if (field.maskable || (field.format !== "dec" && field.format !== "hex")) return undefined;
  const { text } = reader.ctx;
  const slash = text.indexOf("/", start);
  if (slash < 0 || slash >= end) return undefined;
  const value = new Uint8Array(field.bytes);
  const mask = new Uint8Array(field.bytes);
  if (readBytes(text, start, slash, value, field.bytes) !== slash || readBytes(text, slash + 1, end, mask, field.bytes) !== end)
    return undefined;
  if (value.some((byte, i) => (byte & ~(mask[i] as number)) !== 0)) {
    reader.fail(
      "FIELD_HOST_BITS",
      `the value of ${field.name} has bits that its mask leaves out`,
      start,
      end,
      "clear those bits in the value, or widen the mask",
    );
  }
  return { value, mask };
}

/** `set_field:VALUE[/MASK]->FIELD`. */
export function parseSetField(reader: ActionReader, start: number, end: number): Action {
  const arrow = reader.arrow(start, end);
  const name = reader.text(arrow + 2, end);
  const field = fieldByName(name);
  if (field === undefined)
    return reader.fail(
      "ACTION_FIELD",
      `there is no field called ${name}`,
      arrow + 2,
      end,
      "set_field takes the whole field by its name; load takes some bits",
    );
  if (!field.writable) return reader.fail("ACTION_READ_ONLY", `${field.name} cannot be written`, arrow + 2, end);
  const { value, mask } = readPrintedMask(reader, field, start, arrow) ?? parseFieldValue(reader.ctx, field, start, arrow);
  if (!isFieldValueValid(field, value)) {
    return reader.fail(
      "ACTION_VALUE",
      `the value is out of range for ${field.name}`,
      start,
      arrow,
      `write ${describeLimit(field)}`,
    );
  }
  if (field.of11 === "-") reader.limitVersions(~(1 << 2));
  return {
    type: "setField",
    field: sendable(reader, field, arrow + 2, end).name,
    value,
    ...(mask === undefined ? {} : { mask }),
  };
}

// dl_vlan and dl_vlan_pcp have no number on the wire; ovs-ofctl writes zeros, which stand for in_port.
function sendable(reader: ActionReader, field: Field, start: number, end: number): Field {
  if (field.headers.length > 0) return field;
  const better = field.name === "dl_vlan" ? "vlan_vid (4096 + the VLAN)" : "vlan_pcp";
  reader.lenient("ACTION_FIELD", `${field.name} cannot be written over OpenFlow; ovs-ofctl writes in_port instead`, start, end, {
    hint: `write ${better}`,
  });
  const inPort = fieldByName("in_port");
  if (field.bytes !== 2 || inPort === undefined)
    return reader.fail("ACTION_FIELD", `${field.name} cannot be written over OpenFlow`, start, end);
  return inPort;
}

/** `load:VALUE->FIELD[BITS]`. */
export function parseLoad(reader: ActionReader, start: number, end: number): Action {
  const arrow = reader.arrow(start, end);
  const bits = reader.subfield(arrow + 2, end);
  const { field } = bits;
  const value = new Uint8Array(field.bytes);
  const stop = readBytes(reader.ctx.text, start, end, value, field.bytes);
  if (typeof stop !== "number")
    return reader.fail("ACTION_VALUE", "load takes a number", start, arrow, "write it in decimal, or in hexadecimal after 0x");
  if (stop !== arrow) {
    reader.lenient("ACTION_SYNTAX", "there is something between the number and `->`", stop, arrow, {
      hint: "ovs-ofctl ignores it; write VALUE->FIELD",
    });
  }
  for (let bit = bits.bits; bit < field.bytes * 8; bit++) {
    if ((((value[field.bytes - 1 - (bit >> 3)] as number) >> (bit & 7)) & 1) === 1) {
      return reader.fail("ACTION_VALUE", `the value does not fit in ${bits.bits} bits`, start, arrow);
    }
  }
  const target = sendable(reader, field, arrow + 2, end);
  return { type: "load", destination: { field: target.name, offset: bits.offset, bits: bits.bits }, value };
}

/** `move:FIELD[BITS]->FIELD[BITS]`. */
export function parseMove(reader: ActionReader, start: number, end: number): Action {
  const source = reader.subfieldPrefix(start, end);
  if (!reader.ctx.text.startsWith("->", source.stop) || source.stop + 2 > end) {
    return reader.fail("ACTION_SYNTAX", "`->` is missing behind the source", source.stop, end, "write move:SOURCE->DESTINATION");
  }
  const destination = reader.subfield(source.stop + 2, end);
  if (source.bits !== destination.bits) {
    return reader.fail(
      "ACTION_VALUE",
      `the source has ${source.bits} bits, but the destination has ${destination.bits}`,
      start,
      end,
    );
  }
  return { type: "move", source: subfieldFrom(source), destination: subfieldFrom(destination) };
}

/** `push:FIELD[BITS]`. */
export function parsePush(reader: ActionReader, start: number, end: number): Action {
  return { type: "push", subfield: subfieldFrom(reader.subfield(start, end)) };
}

/** `pop:FIELD[BITS]`. */
export function parsePop(reader: ActionReader, start: number, end: number): Action {
  return { type: "pop", subfield: subfieldFrom(reader.subfield(start, end)) };
}

/** `check_pkt_larger(BYTES)->FIELD[BIT]`. */
export function parseCheckPktLarger(reader: ActionReader, start: number, end: number): Action {
  const arrow = reader.arrow(start, end);
  const lengthEnd = reader.ctx.text[arrow - 1] === ")" && arrow > start ? arrow - 1 : arrow;
  const bits = reader.subfield(arrow + 2, end);
  if (bits.bits !== 1)
    return reader.fail(
      "ACTION_VALUE",
      "check_pkt_larger writes one bit",
      arrow + 2,
      end,
      "name a single bit, such as NXM_NX_REG0[0]",
    );
  return {
    type: "checkPktLarger",
    length: reader.small(start, lengthEnd, "the length", 0xffff),
    destination: subfieldFrom(bits),
  };
}

/** `delete_field:FIELD`. */
export function parseDeleteField(reader: ActionReader, start: number, end: number): Action {
  const name = reader.text(start, end);
  const field = fieldByOxmName(name) ?? fieldByName(name);
  if (field === undefined) return reader.fail("ACTION_FIELD", `there is no field called ${name}`, start, end);
  return { type: "deleteField", field: field.name };
}

/** As Open vSwitch prints it. */
export function printFieldAction(
  action: ActionOf<"setField" | "load" | "move" | "push" | "pop" | "checkPktLarger" | "deleteField">,
  ports: PortNames | undefined,
): string {
  switch (action.type) {
    case "setField": {
      const field = knownField(action.field, "field");
      const value = toFieldBytes(field, action.value, "value");
      const mask = action.mask === undefined ? undefined : toFieldBytes(field, action.mask, "mask");
      return `set_field:${formatFieldValue(field, value, mask, ports)}->${field.name}`;
    }
    case "load":
      return printLoad(action);
    case "move":
      return `move:${formatSubField(action.source)}->${formatSubField(action.destination)}`;
    case "push":
    case "pop":
      return `${action.type}:${formatSubField(action.subfield)}`;
    case "checkPktLarger":
      return `check_pkt_larger(${action.length})->${formatSubField(action.destination)}`;
    case "deleteField":
      return `delete_field:${knownField(action.field, "field").name}`;
  }
}

// Runs of more than 64 bits are printed in pieces, as they are sent.
function printLoad(action: ActionOf<"load">): string {
  const { field, offset, bits } = resolveBits(action.destination, "destination");
  const value = toFieldBytes(field, action.value, "value");
  if (bits <= 64) return `load:${hexNumber(getBits(value, 0, bits))}->${formatSubField({ field: field.name, offset, bits })}`;
  const parts: string[] = [];
  for (let at = 0; at < bits; at += 64) {
    const count = Math.min(64, bits - at);
    const piece = new Uint8Array(8);
    copyBits(value, at, piece, 0, count);
    parts.push(`load:${formatHexBytes(piece, 8)}->${formatSubField({ field: field.name, offset: offset + at, bits: count })}`);
  }
  return parts.join(",");
}
