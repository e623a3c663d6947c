import { describe, expect, test } from "vitest";
import type { OpenFlowVersion, WireVersion } from "../../src/flow/version.ts";
import { wireVersionOf } from "../../src/flow/version.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { errorName, errorNames, errorNumbers } from "../../src/wire/error-codes.ts";
import { UNENCODABLE_ERROR, UNKNOWN_ERROR } from "../../src/wire/error-message.ts";
import { readErrors } from "./vectors.ts";

const vectors = readErrors();
const VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

// `vendor` as ovs-ofctl prints it: 0, or a number with 0x.
const LINE = /^OpenFlow 1\.(\d): vendor (\w+), type (\d+), code (\d+)$/;

describe("error numbers", () => {
  test("every name that Open vSwitch knows, and no other", () => {
    expect(errorNames().sort()).toEqual(vectors.map((vector) => vector.name).sort());
  });

  test("both ways, in every version", () => {
    let pairs = 0;
    for (const vector of vectors) {
      const known = new Set<WireVersion>();
      for (const line of vector.per_version) {
        const [, minor, vendor, type, code] = LINE.exec(line) as unknown as [string, string, string, string, string];
        const version = (Number(minor) + 1) as WireVersion;
        const numbers = { experimenter: Number(vendor), type: Number(type), code: Number(code) };
        expect(errorNumbers(vector.name, version), `${vector.name} ${line}`).toEqual(numbers);
        known.add(version);
        pairs++;
        // Several names share numbers in old versions; the name that comes back must stand for the same numbers.
        const name = errorName(version, numbers.experimenter, numbers.type, numbers.code);
        expect(name, line).toBeDefined();
        expect(errorNumbers(name as string, version)).toEqual(numbers);
      }
      for (const version of [1, 2, 3, 4, 5, 6] as const) {
        if (!known.has(version)) expect(errorNumbers(vector.name, version), `${vector.name} ${version}`).toBeUndefined();
      }
    }
    console.info(`errors.json: ${pairs} pairs of a name and a version agree`);
    expect(pairs).toBe(vectors.reduce((sum, vector) => sum + vector.per_version.length, 0));
  });

  test("messages carry the numbers that ovs-ofctl writes, or NXBRC_UNENCODABLE_ERROR where the version has none", () => {
    let messages = 0;
    for (const vector of vectors) {
      for (const name of VERSIONS) {
        const version = wireVersionOf(name);
        const bytes = encodeMessage({
          type: "error",
          version,
          xid: 7,
          error: vector.name,
          data: Uint8Array.of(version, 5, 0, 8),
        });
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const wanted = vector.encode[name];
        if (wanted === undefined) throw new Error(`${vector.name} has no ${name}`);
        expect([view.getUint16(8), version === 1 || view.getUint16(8) !== 0xffff ? undefined : view.getUint16(10)]).toEqual([
          wanted.type,
          wanted.type === 0xffff ? wanted.code : undefined,
        ]);
        const decoded = decodeMessage(bytes);
        const expected = errorNumbers(vector.name, version) === undefined ? UNENCODABLE_ERROR : vector.name;
        if (decoded.type !== "error") throw new Error(decoded.type);
        expect(errorNumbers(decoded.error, version), `${vector.name} ${name}`).toEqual(errorNumbers(expected, version));
        expect(decoded.data).toEqual(Uint8Array.of(version, 5, 0, 8));
        messages++;
      }
    }
    expect(messages).toBe(vectors.length * VERSIONS.length);
  });

  test("unknown numbers are kept", () => {
    for (const version of [1, 4, 5, 6] as const) {
      const numbers = { experimenter: 0, type: 0xfeed, code: 0xbeef };
      const bytes = encodeMessage({ type: "error", version, xid: 1, error: UNKNOWN_ERROR, numbers, data: Uint8Array.of(1) });
      const decoded = decodeMessage(bytes);
      expect(decoded).toMatchObject({ type: "error", error: UNKNOWN_ERROR, numbers });
      expect(encodeMessage(decoded as never)).toEqual(bytes);
    }
  });
});
