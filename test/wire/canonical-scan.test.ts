import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, equalBytes, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { CANONICAL } from "../../src/flow/actions/codec.ts";
import { decodeInstructionList, encodeInstructionList } from "../../src/flow/actions/instruction-list.ts";
import { encodeInstructions } from "../../src/flow/actions/wire.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { decodeMatch, encodeMatch } from "../../src/flow/match-codec.ts";
import { matchFactsOf } from "../../src/flow/match-facts.ts";
import type { WireVersion } from "../../src/flow/version.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { isPlainCanonicalInstructions } from "../../src/wire/canonical-instructions-scan.ts";
import { isPlainCanonicalMatch } from "../../src/wire/canonical-match-scan.ts";
import { mergeRegisters } from "../../src/wire/register-merge.ts";
import { runs, seed } from "../seed.ts";
import { readVectors } from "../text/vectors.ts";

function isPlain(scan: typeof isPlainCanonicalMatch, bytes: Uint8Array): boolean {
  return scan(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
}

/** What a full decoding and encoding makes of the bytes; `undefined` when they are refused. */
function again(decodeAndEncode: () => Uint8Array): Uint8Array | undefined {
  try {
    return decodeAndEncode();
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    return undefined;
  }
}

const matchAgain = (bytes: Uint8Array): Uint8Array | undefined => again(() => decodeMatch(bytes, 0, bytes.length).bytes);

const instructionsAgain =
  (version: WireVersion) =>
  (bytes: Uint8Array): Uint8Array | undefined =>
    again(() => {
      const w = new ByteWriter();
      encodeInstructionList(decodeInstructionList(bytes, 0, bytes.length, version, false), CANONICAL, w);
      return w.finish();
    });

/** The scan of what came in OpenFlow 1.3 or 1.4. */
const isPlainBefore15: typeof isPlainCanonicalMatch = (bytes, view, start, end) =>
  isPlainCanonicalInstructions(bytes, view, start, end, false);

/** Canonical bytes with whole registers, if that is all it takes. */
function merged(bytes: Uint8Array): Uint8Array | undefined {
  const w = new ByteWriter();
  w.u32(0xdeadbeef);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!mergeRegisters(view, bytes, 0, bytes.length, w) || !isPlainCanonicalMatch(w.buffer, w.view, 4, w.length)) return undefined;
  return w.buffer.slice(4, w.length);
}

/** What `put` writes; nothing when the version cannot carry it. */
function written(put: (w: ByteWriter) => void): Uint8Array {
  const w = new ByteWriter();
  try {
    put(w);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    w.clear();
  }
  return w.finish();
}

const folder = new URL("../vectors/flowsets/ovn-real-6k/", import.meta.url);
const ovn: Flow[] = gunzipSync(readFileSync(new URL("installed.OpenFlow15.txt.gz", folder)))
  .toString("utf8")
  .split("\n")
  .flatMap((line) => {
    try {
      return line === "" ? [] : [parseFlow(line)];
    } catch {
      return [];
    }
  });
const vectors = readVectors<{ oxm_hex?: string; reencoded_hex?: string }>("match-wire").flatMap(
  ({ oxm_hex = "", reencoded_hex = "" }) => [Buffer.from(oxm_hex, "hex"), Buffer.from(reencoded_hex, "hex")],
);

/** Apply-actions with one NXAST_REG_LOAD. */
function load(offset: number, bits: number, value: number): Uint8Array {
  const w = new ByteWriter();
  w.u32(0x0004_0020);
  w.u32(0);
  w.u32(0xffff_0018);
  w.u32(0x2320);
  w.u32((7 << 16) | (offset << 6) | (bits - 1));
  w.u32(0x0001_0004);
  w.u32(0);
  w.u32(value);
  return w.finish();
}

/** Halves of a register in every constellation: missing, exact, masked, with a mask of all ones or all zeros, in either order. */
function registerPairs(): Uint8Array[] {
  const halves = (number: number): number[][] => [
    [],
    [0x0001_0004 | (number << 9), 0x1234],
    [0x0001_0108 | (number << 9), 0x1200, 0xff00],
    [0x0001_0108 | (number << 9), 0x1234, 0xffff_ffff],
    [0x0001_0108 | (number << 9), 0, 0],
  ];
  return halves(6).flatMap((high) =>
    halves(7).flatMap((low) =>
      [high.concat(low), low.concat(high), high.concat(high)].map((words) => {
        const w = new ByteWriter();
        for (const word of words) w.u32(word >>> 0);
        return w.finish();
      }),
    ),
  );
}

/** Every prefix change that a random stream asks for: bits, bytes, and whole TLVs out of their order. */
function changed(bytes: Uint8Array, random: () => number): Uint8Array {
  const result = Uint8Array.from(bytes);
  for (let changes = 1 + (random() % 2); changes > 0 && result.length > 0; changes--) {
    const at = random() % result.length;
    result[at] = random() % 2 === 0 ? random() & 0xff : (result[at] as number) ^ (1 << (random() & 7));
  }
  return result;
}

function randomOf(start: number): () => number {
  let state = start | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 8;
  };
}

function check(
  scan: typeof isPlainCanonicalMatch,
  full: (bytes: Uint8Array) => Uint8Array | undefined,
  samples: Uint8Array[],
  canonical: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => (isPlain(scan, bytes) ? bytes : undefined),
): void {
  const random = randomOf(seed);
  const wrong: string[] = [];
  let plain = 0;
  let tried = 0;
  const rounds = runs(Math.ceil(60_000 / samples.length));
  for (let round = 0; round <= rounds; round++) {
    for (const sample of samples) {
      const bytes = round === 0 ? Uint8Array.from(sample) : changed(sample, random);
      tried++;
      const quick = canonical(bytes);
      if (quick === undefined) continue;
      plain++;
      const result = full(bytes);
      if (result === undefined || !equalBytes(result, quick)) {
        wrong.push(
          `${toHex(bytes)} is taken for ${toHex(quick)} and becomes ${result === undefined ? "nothing" : toHex(result)}`,
        );
      }
    }
  }
  console.info(`${scan.name}: ${plain} of ${tried} are plain`);
  expect(wrong).toEqual([]);
  expect(plain).toBeGreaterThan(tried / 20);
}

describe("what looks canonical is canonical", () => {
  const { flow } = arbitraries(fc);
  const random = fc.sample(flow, { seed, numRuns: 500 });

  test("matches", () => {
    check(isPlainCanonicalMatch, matchAgain, [...ovn, ...random].map(({ match }) => match.bytes).concat(vectors));
  });

  test("instructions", () => {
    check(
      isPlainCanonicalInstructions,
      instructionsAgain(6),
      // The last one says nothing, and is dropped.
      [...[...ovn, ...random].map(({ instructions }) => instructions.bytes), Uint8Array.of(0, 3, 0, 8, 0, 0, 0, 0)],
    );
  });

  test.each([4, 5] as const)("instructions in version byte %i", (version) => {
    const samples = [...ovn, ...random].flatMap(({ match, instructions }) => [
      instructions.bytes,
      written((w) => encodeInstructions(instructions, version, w, matchFactsOf(match))),
      // Whole and part of a register, by load.
      load(0, 32, 0xffffffff),
      load(random.length % 16, 1 + (random.length % 16), 1),
    ]);
    check(isPlainBefore15, instructionsAgain(version), samples);
  });

  test.each([4, 5] as const)("matches with registers in halves, version byte %i", (version) => {
    const samples = [...ovn, ...random].flatMap(({ match }) => [match.bytes, written((w) => encodeMatch(match, version, w))]);
    check(isPlainCanonicalMatch, matchAgain, [...samples, ...vectors, ...registerPairs()], merged);
  });
});

test("most flows of OVN are covered", () => {
  expect(ovn.length).toBeGreaterThan(6000);
  const matches = ovn.filter(({ match }) => isPlain(isPlainCanonicalMatch, match.bytes)).length / ovn.length;
  const instructions =
    ovn.filter(({ instructions: { bytes } }) => isPlain(isPlainCanonicalInstructions, bytes)).length / ovn.length;
  const before15 = ovn.map(({ match, instructions }) => ({
    match: written((w) => encodeMatch(match, 4, w)),
    instructions: written((w) => encodeInstructions(instructions, 4, w, matchFactsOf(match))),
  }));
  expect(before15.filter(({ match }) => merged(match) !== undefined).length / ovn.length).toBeGreaterThan(0.99);
  const plain13 = before15.filter(({ instructions: bytes }) => isPlain(isPlainBefore15, bytes)).length / ovn.length;
  console.info(`plain of OVN: matches ${matches}, instructions ${instructions}, in 1.3 ${plain13}`);
  expect(plain13).toBeGreaterThan(0.7);
  expect(matches).toBeGreaterThan(0.99);
  expect(instructions).toBeGreaterThan(0.8);
});
