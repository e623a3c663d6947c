/** Text of encap and decap. */
import type { Action, ActionOf, EncapProperty } from "../../flow/actions/action.ts";
import { ENCAP_HEADERS } from "../../flow/actions/encap.ts";
import { formatHexBytes } from "../../flow/address-text.ts";
import { scanInt } from "../../flow/number-text.ts";
import { KeyValues } from "../key-values.ts";
import type { ActionReader } from "./action-reader.ts";
import { hexNumber } from "./print.ts";

const FROM_13 = 0x70;
/** Namespaces of packet types there are. */
const NAMESPACES = 5;
/** Hexadecimal digits of a TLV that ovs-ofctl reads. */
const MAX_DIGITS = 251;

function parseTlv(reader: ActionReader, start: number, end: number): EncapProperty {
  const text = reader.text(start, end);
  const hint = "write tlv(0xCLASS,TYPE,0xVALUE)";
  const malformed = (): never => reader.fail("ACTION_VALUE", "this is no TLV", start, end, hint);
  if (!text.startsWith("0x")) malformed();
  const tlvClass = scanInt(text, 2, 16) ?? malformed();
  if (text[tlvClass.end] !== ",") malformed();
  const tlvType = scanInt(text, tlvClass.end + 1, 10) ?? malformed();
  if (!text.startsWith(",0x", tlvType.end)) malformed();
  const digits = /^[0-9a-fA-F]+/.exec(text.slice(tlvType.end + 3))?.[0]?.slice(0, MAX_DIGITS) ?? "";
  if (digits === "") malformed();
  const clean = tlvType.end + 3 + digits.length === text.length && digits.length % 2 === 0;
  if (!clean || tlvClass.value < 0n || tlvClass.value > 0xffffn || tlvType.value < 0n || tlvType.value > 255n) {
    reader.lenient("ACTION_RANGE", "a number of this TLV is cut", start, end, {
      hint: `${hint}; the class has 16 bits, the type 8, the value whole bytes`,
    });
  }
  const value = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < value.length; i++) value[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return {
    type: "tlv",
    tlvClass: Number(BigInt.asUintN(16, tlvClass.value)),
    tlvType: Number(BigInt.asUintN(8, tlvType.value)),
    value,
  };
}

function parseProperties(reader: ActionReader, nsh: boolean, start: number, end: number): EncapProperty[] {
  const properties: EncapProperty[] = [];
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const { key, valueStart, valueEnd } = pairs;
    if (!nsh || (key !== "md_type" && key !== "tlv"))
      reader.fail("ACTION_KEY", `encap knows no ${key} here`, pairs.keyStart, pairs.keyEnd, "nsh takes md_type and tlv");
    if (valueStart === valueEnd) reader.fail("ACTION_VALUE", `${key} has no value`, pairs.keyStart, pairs.keyEnd);
    if (key === "tlv") properties.push(parseTlv(reader, valueStart, valueEnd));
    else {
      const mdType = reader.small(valueStart, valueEnd, "md_type", 0xff);
      if (mdType < 1 || mdType > 2) reader.fail("ACTION_VALUE", "there is no such md_type", valueStart, valueEnd, "write 1 or 2");
      properties.push({ type: "mdType", mdType });
    }
  }
  return properties;
}

/** `encap(HEADER(PROPERTY,...))`. */
export function parseEncap(reader: ActionReader, start: number, end: number): Action {
  reader.limitVersions(FROM_13);
  const pairs = new KeyValues(reader.ctx.text, start, end);
  const hint = `write encap(HEADER) with one of ${[...ENCAP_HEADERS.keys()].join(", ")}`;
  if (!pairs.next()) return reader.fail("ACTION_SYNTAX", "encap names no header", start, end, hint);
  const header = [...ENCAP_HEADERS.keys()].find((name) => name === pairs.key);
  if (header === undefined) return reader.fail("ACTION_VALUE", "encap knows no such header", pairs.keyStart, pairs.keyEnd, hint);
  const properties = parseProperties(reader, header === "nsh", pairs.valueStart, pairs.valueEnd);
  return { type: "encap", header, ...(properties.length === 0 ? {} : { properties }) };
}

/** `decap()` or `decap(packet_type(ns=NAMESPACE,type=TYPE))`. */
export function parseDecap(reader: ActionReader, start: number, end: number): Action {
  const outer = new KeyValues(reader.ctx.text, start, end);
  if (!outer.next()) return { type: "decap" };
  if (outer.key !== "packet_type")
    return reader.fail(
      "ACTION_KEY",
      `decap knows no ${outer.key}`,
      outer.keyStart,
      outer.keyEnd,
      "write packet_type(ns=NAMESPACE,type=TYPE)",
    );
  const pairs = new KeyValues(reader.ctx.text, outer.valueStart, outer.valueEnd);
  const next = (name: string): number => {
    if (!pairs.next() || pairs.key !== name)
      reader.fail(
        "ACTION_SYNTAX",
        `packet_type has no ${name}`,
        outer.valueStart,
        outer.valueEnd,
        "write packet_type(ns=NAMESPACE,type=TYPE)",
      );
    return reader.small(pairs.valueStart, pairs.valueEnd, name, 0xffff);
  };
  const namespace = next("ns");
  if (namespace >= NAMESPACES)
    return reader.fail(
      "ACTION_VALUE",
      "there is no such namespace",
      pairs.valueStart,
      pairs.valueEnd,
      `write 0 to ${NAMESPACES - 1}`,
    );
  return { type: "decap", packetType: { namespace, type: next("type") } };
}

/** As Open vSwitch prints it. */
export function printEncap(action: ActionOf<"encap" | "decap">): string {
  if (action.type === "decap") {
    const type = action.packetType;
    return type === undefined ? "decap()" : `decap(packet_type(ns=${type.namespace},type=${hexNumber(type.type)}))`;
  }
  const properties = (action.properties ?? []).map((property) =>
    property.type === "mdType"
      ? `md_type=${property.mdType}`
      : `tlv(0x${property.tlvClass.toString(16).padStart(4, "0")},${property.tlvType},${formatHexBytes(property.value, property.value.length)})`,
  );
  return `encap(${action.header}${properties.length === 0 ? "" : `(${properties.join(",")})`})`;
}
