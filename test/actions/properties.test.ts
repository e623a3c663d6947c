import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { encodeInstructionList } from "../../src/flow/actions/instruction-list.ts";
import { translateCanonical } from "../../src/flow/actions/translate.ts";
import { decodeActions, decodeInstructions, encodeInstructions } from "../../src/flow/actions/wire.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { noFacts } from "../../src/flow/match-facts.ts";
import { instructionsMeaning, sameMeaning } from "../../src/flow/meaning.ts";
import { versionName, type WireVersion } from "../../src/flow/version.ts";
import { formatActionList, formatInstructions } from "../../src/text/actions/format-instructions.ts";
import { parseInstructions } from "../../src/text/actions/parse-instructions.ts";
import { ParseContext } from "../../src/text/parse-context.ts";
import { runs, seed } from "../seed.ts";
import { anyInstructions } from "./arbitrary-actions.ts";

const settings = { seed, numRuns: runs(600) };
const hex = (instructions: Instructions): string => toHex(instructions.bytes);

// Only OfsyncErrors may come out; `undefined` when one did.
function orOfsyncError<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    return undefined;
  }
}

describe("typed, canonical and wire forms", () => {
  test("typed → canonical → typed → canonical changes nothing", () => {
    fc.assert(
      fc.property(anyInstructions, (list) => {
        const first = Instructions.ofActions(list);
        expect(hex(Instructions.ofActions(first.actions))).toBe(hex(first));
        expect(first.bytes.length % 8).toBe(0);
      }),
      settings,
    );
  });

  test.each([4, 5, 6] as const)("encoding for version byte %i and decoding again keeps the meaning", (version: WireVersion) => {
    fc.assert(
      fc.property(anyInstructions, (list) => {
        const instructions = Instructions.ofActions(list);
        const w = new ByteWriter();
        encodeInstructions(instructions, version, w);
        const back = decodeInstructions(w.buffer, 0, w.length, version);
        if (!sameMeaning(instructions, back)) {
          expect(formatActionList(back.actions)).toBe(formatActionList(instructions.actions));
          expect(toHex(instructionsMeaning(back.bytes))).toBe(toHex(instructionsMeaning(instructions.bytes)));
        }
        // A second trip changes not one byte.
        const again = new ByteWriter();
        encodeInstructions(back, version, again);
        expect(toHex(again.finish())).toBe(toHex(w.finish()));
      }),
      settings,
    );
  });

  test("what isWire15 lets a 1.5 encoder copy is what it would have written", () => {
    fc.assert(
      fc.property(anyInstructions, (list) => {
        const instructions = Instructions.ofActions(list);
        const w = new ByteWriter();
        encodeInstructions(instructions, 6, w);
        const sent = toHex(w.finish());
        if (instructions.isWire15) expect(sent).toBe(hex(instructions));
        // What 1.5 decodes is always of that kind, but for a transport port without a known protocol, which stays as it is.
        if (list.some((action) => JSON.stringify(action, (_, part) => (typeof part === "bigint" ? "" : part)).includes("modTp")))
          return;
        if (!instructions.isWire15) expect(sent).not.toBe(hex(instructions));
        expect(decodeInstructions(w.buffer, 0, w.length, 6).isWire15).toBe(true);
      }),
      settings,
    );
  });

  test.each([4, 5] as const)("the short way to version byte %i writes what the long way writes", (version) => {
    let short = 0;
    fc.assert(
      fc.property(anyInstructions, (list) => {
        const instructions = Instructions.ofActions(list);
        const w = new ByteWriter();
        w.u32(7);
        if (!translateCanonical(instructions.bytes, 0, instructions.bytes.length, version, w)) {
          expect(w.length).toBe(4);
          return;
        }
        short++;
        const long = new ByteWriter();
        encodeInstructionList(instructions.actions, version, long);
        expect(toHex(w.finish()).slice(8)).toBe(toHex(long.finish()));
      }),
      settings,
    );
    expect(short).toBeGreaterThan(runs(600) / 20);
  });

  test("older versions take or refuse, and never break", () => {
    fc.assert(
      fc.property(anyInstructions, fc.constantFrom<WireVersion>(1, 2, 3), (list, version) => {
        const w = new ByteWriter();
        encodeInstructions(Instructions.ofActions(list), version, w);
        orOfsyncError(() => decodeInstructions(w.buffer, 0, w.length, version));
      }),
      settings,
    );
  });
});

describe("text", () => {
  test("what is printed for a version reads as what means the same", () => {
    fc.assert(
      fc.property(anyInstructions, fc.constantFrom<WireVersion>(4, 5, 6), (list, version) => {
        const name = versionName(version);
        const instructions = Instructions.ofActions(list);
        const text = formatInstructions(instructions, name);
        const ctx = new ParseContext(text, { version: name });
        // Whether it fits a match is not the question here, and nat shows its flags only beside a range.
        const read = orOfsyncError(() => parseInstructions(ctx, 0, text.length, noFacts(), 255));
        if (read === undefined || /nat\((src|dst)\)/.test(text)) return;
        const printed = formatInstructions(read, name);
        expect(printed).toBe(text);
      }),
      { ...settings, numRuns: runs(1500) },
    );
  });
});

describe("garbage", () => {
  test("random bytes give a typed error or a value that can be sent again", () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 96 });
    fc.assert(
      fc.property(bytes, fc.constantFrom<WireVersion>(1, 2, 3, 4, 5, 6), (input, version) => {
        const read = orOfsyncError(() => decodeInstructions(input, 0, input.length, version));
        if (read !== undefined) encodeInstructions(read, version, new ByteWriter());
        orOfsyncError(() => decodeActions(input, 0, input.length, version));
      }),
      { ...settings, numRuns: runs(4000) },
    );
  });

  test("one changed byte gives a typed error or a value that can be sent again", () => {
    fc.assert(
      fc.property(anyInstructions, fc.constantFrom<WireVersion>(1, 4, 6), fc.nat(), fc.nat(255), (list, version, at, byte) => {
        const w = new ByteWriter();
        encodeInstructions(Instructions.ofActions(list), version, w);
        const bytes = w.finish();
        if (bytes.length === 0) return;
        bytes[at % bytes.length] = byte;
        const read = orOfsyncError(() => decodeInstructions(bytes, 0, bytes.length, version));
        if (read === undefined) return;
        instructionsMeaning(read.bytes);
        orOfsyncError(() => formatInstructions(read, versionName(version)));
        encodeInstructions(read, version, new ByteWriter());
      }),
      { ...settings, numRuns: runs(4000) },
    );
  });

  test("random text gives a typed error with its place, or a value", () => {
    const words = fc.constantFrom(
      "output",
      "ct",
      "learn",
      "set_field",
      "load",
      "->",
      "reg0",
      "[",
      "]",
      "(",
      ")",
      ":",
      "=",
      ",",
      "1",
      "0x",
      "-1",
      "nat",
      "exec",
      "clone",
      "..",
      "members",
      "\u0000",
      "é",
      "conjunction",
      "move",
      "encap",
      "nsh",
      "tlv",
      "resubmit",
      "multipath",
      "note",
      "sample",
      "enqueue",
      "dec_ttl",
      "bundle",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), fc.constantFrom("strict", "ovs" as const), (parts, compat) => {
        const text = parts.join("");
        const ctx = new ParseContext(text, { compat });
        try {
          parseInstructions(ctx, 0, text.length, noFacts(), 0);
        } catch (error) {
          if (!isOfsyncError(error)) throw error;
          expect(error.place.line).toBe(1);
          expect(error.place.column).toBeGreaterThan(0);
        }
      }),
      { ...settings, numRuns: runs(6000) },
    );
  });

  test("actions that nest a thousand times are refused", () => {
    const text = `${"clone(".repeat(1000)}1${")".repeat(1000)}`;
    expect(() => parseInstructions(new ParseContext(text), 0, text.length, noFacts(), 0)).toThrowError(/too deeply/);
  });
});
