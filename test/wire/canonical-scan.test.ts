import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, equalBytes, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { CANONICAL } from "../../src/flow/actions/codec.ts";
import { decodeInstructionList, encodeInstructionList } from "../../src/flow/actions/instruction-list.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { decodeMatch } from "../../src/flow/match-codec.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { isPlainCanonicalInstructions } from "../../src/wire/canonical-instructions-scan.ts";
import { isPlainCanonicalMatch } from "../../src/wire/canonical-match-scan.ts";
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

const instructionsAgain = (bytes: Uint8Array): Uint8Array | undefined =>
  again(() => {
    const w = new ByteWriter();
    encodeInstructionList(decodeInstructionList(bytes, 0, bytes.length, 6, false), CANONICAL, w);
    return w.finish();
  });

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
      if (!isPlain(scan, bytes)) continue;
      plain++;
      const result = full(bytes);
      if (result === undefined || !equalBytes(result, bytes)) {
        wrong.push(`${toHex(bytes)} becomes ${result === undefined ? "nothing" : toHex(result)}`);
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
      instructionsAgain,
      // The last one says nothing, and is dropped.
      [...[...ovn, ...random].map(({ instructions }) => instructions.bytes), Uint8Array.of(0, 3, 0, 8, 0, 0, 0, 0)],
    );
  });
});

test("most flows of OVN are covered", () => {
  expect(ovn.length).toBeGreaterThan(6000);
  const matches = ovn.filter(({ match }) => isPlain(isPlainCanonicalMatch, match.bytes)).length / ovn.length;
  const instructions =
    ovn.filter(({ instructions: { bytes } }) => isPlain(isPlainCanonicalInstructions, bytes)).length / ovn.length;
  expect(matches).toBeGreaterThan(0.99);
  expect(instructions).toBeGreaterThan(0.8);
});
