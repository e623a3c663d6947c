import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ByteWriter, fromHex, toHex } from "../../src/bytes.ts";
import { FIELDS, fieldByName } from "../../src/flow/fields.ts";
import { encodeMatch } from "../../src/flow/match-codec.ts";
import { fieldByHeader, fieldByOxmName, type OxmVersion, putOxmHeader, readOxmHeader } from "../../src/flow/oxm.ts";
import { wireVersionOf } from "../../src/flow/version.ts";
import { parseMatch } from "../../src/text/parse-match.ts";

interface FieldRecord {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly n_bytes: number;
  readonly n_bits: number;
  readonly variable_length: boolean;
  readonly maskable: "no" | "bitwise";
  readonly writable: boolean;
  readonly oxm: readonly { name: string; class: string; type: number; length: number; header: string; experimenter?: string }[];
  readonly example?: { readonly text: string } & Readonly<Record<string, unknown>>;
}

// Every field of Open vSwitch 3.1's meta-flow.h, with an example in bytes.
const records = JSON.parse(
  gunzipSync(readFileSync(new URL("../vectors/match-fields.json.gz", import.meta.url))).toString("utf8"),
) as FieldRecord[];

test("the registry has all 183 fields in Open vSwitch's order", () => {
  expect(FIELDS.map((field) => field.name)).toEqual(records.map((record) => record.name));
  expect(FIELDS.length).toBe(183);
});

describe("each field", () => {
  test.each(records.map((record) => [record.name, record] as const))("%s", (name, record) => {
    const field = fieldByName(name);
    if (field === undefined) throw new Error(`no field ${name}`);
    for (const alias of record.aliases) expect(fieldByName(alias)).toBe(field);
    expect([field.bits, field.bytes, field.variable, field.maskable, field.writable]).toEqual([
      record.n_bits,
      record.n_bytes,
      record.variable_length,
      record.maskable === "bitwise",
      record.writable,
    ]);
    for (const oxm of record.oxm) {
      expect(fieldByOxmName(oxm.name)).toBe(field);
      expect(fieldByHeader(Number(oxm.class), oxm.type, Number(oxm.experimenter ?? 0))).toBe(field);
      if (record.variable_length) continue;
      const experimenter = oxm.experimenter === undefined ? "" : oxm.experimenter.replace("0x", "").padStart(8, "0");
      const bytes = fromHex(oxm.header + experimenter) as Uint8Array;
      const read = readOxmHeader(new DataView(bytes.buffer), 0, bytes.length);
      expect(read).toMatchObject({ field, masked: false, payloadLength: record.n_bytes, size: bytes.length + record.n_bytes });
    }
    for (const [version, oxmVersion] of [
      ["OpenFlow10", 0],
      ["OpenFlow13", 4],
      ["OpenFlow14", 5],
      ["OpenFlow15", 6],
    ] as const) {
      checkExample(record, version, oxmVersion);
    }
  });
});

function checkExample(
  record: FieldRecord,
  version: "OpenFlow10" | "OpenFlow13" | "OpenFlow14" | "OpenFlow15",
  oxmVersion: OxmVersion,
): void {
  const example = record.example?.[version] as { oxm_hex?: string; nxm_hex?: string } | undefined;
  const hex = oxmVersion === 0 ? example?.nxm_hex : example?.oxm_hex;
  if (record.example === undefined || hex === undefined) return;
  expect(wireVersionOf(version)).toBe(oxmVersion === 0 ? 1 : oxmVersion);
  const w = new ByteWriter();
  encodeMatch(parseMatch(record.example.text, { compat: "ovs", version, showHidden: true }), oxmVersion, w);
  expect(toHex(w.finish()), `${record.example.text} in ${version}`).toBe(hex);
}

describe("headers", () => {
  test("of every field and version read back to it, with and without a mask", () => {
    for (const field of FIELDS.filter(({ headers }) => headers.length > 0)) {
      for (const version of [0, 1, 3, 4, 5, 6] as const) {
        for (const masked of [false, true]) {
          const w = new ByteWriter(4);
          putOxmHeader(w, field, version, masked);
          const bytes = w.finish();
          expect(readOxmHeader(new DataView(bytes.buffer), 0, bytes.length)).toMatchObject({
            field,
            masked,
            payloadLength: field.bytes,
          });
        }
      }
    }
  });

  test("of fields that OpenFlow cannot carry are refused", () => {
    const field = fieldByName("skb_priority");
    if (field === undefined) throw new Error("no skb_priority");
    expect(() => putOxmHeader(new ByteWriter(), field, 6, false)).toThrow(expect.objectContaining({ code: "FIELD_NOT_ON_WIRE" }));
  });

  test("that are cut short or lie about their length are refused at their offset", () => {
    for (const hex of ["800000", "ffff0008", "ffff000300002320"]) {
      const bytes = fromHex(`0000${hex}`) as Uint8Array;
      expect(() => readOxmHeader(new DataView(bytes.buffer), 2, bytes.length)).toThrow(
        expect.objectContaining({ code: "WIRE_LENGTH", openflowError: "OFPBMC_BAD_LEN", place: { offset: 2 } }),
      );
    }
  });
});
