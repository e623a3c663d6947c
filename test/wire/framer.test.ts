import { describe, expect, test } from "vitest";
import { equalBytes, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { Framer, MAX_MESSAGE_BYTES } from "../../src/wire/framer.ts";
import { bytesOf, readMessages } from "./vectors.ts";

// One message of every kind, without those whose own length is wrong.
const messages: Uint8Array[] = [
  ...new Map(
    readMessages()
      .map((vector) => [vector.type, bytesOf(vector)] as const)
      .filter(([, bytes]) => bytes.length >= 8 && ((bytes[2] as number) << 8) + (bytes[3] as number) === bytes.length),
  ).values(),
];

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function header(length: number): Uint8Array {
  return Uint8Array.of(4, 2, length >> 8, length & 0xff, 0, 0, 0, 1);
}

function code(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return isOfsyncError(error) ? `${error.code} ${error.openflowError}` : String(error);
  }
}

describe("the framer", () => {
  test("splits at every byte give the same messages", () => {
    expect(messages.length).toBeGreaterThan(150);
    let splits = 0;
    const wrong: string[] = [];
    for (const [index, message] of messages.entries()) {
      const next = messages[(index + 1) % messages.length] as Uint8Array;
      const both = concat([message, next]);
      // Long ones at every byte of the front only.
      for (let cut = 0; cut <= both.length; cut += cut < 500 ? 1 : 61) {
        const framer = new Framer();
        const found = [...framer.push(both.slice(0, cut)), ...framer.push(both.slice(cut))];
        const [first, second] = found;
        const same = first !== undefined && second !== undefined && equalBytes(first, message) && equalBytes(second, next);
        if (!same || found.length !== 2 || framer.pending !== 0) wrong.push(`${toHex(both)} cut at ${cut}`);
        splits++;
      }
    }
    expect(wrong).toEqual([]);
    console.info(`framer: ${messages.length} kinds of messages, ${splits} splits`);
  });

  test("one byte at a time", () => {
    const framer = new Framer();
    const found: string[] = [];
    for (const message of messages.slice(0, 60)) {
      for (const byte of message) found.push(...framer.push(Uint8Array.of(byte)).map(toHex));
    }
    expect(found).toEqual(messages.slice(0, 60).map(toHex));
  });

  test("chunks of any sizes", () => {
    const all = concat(messages);
    for (const size of [2, 3, 7, 8, 9, 64, 1460, 65_536]) {
      const framer = new Framer();
      const found: string[] = [];
      for (let at = 0; at < all.length; at += size) found.push(...framer.push(all.slice(at, at + size)).map(toHex));
      expect(found, `${size} bytes`).toEqual(messages.map(toHex));
    }
  });

  test("whole messages are not copied, and nothing is kept behind them", () => {
    const chunk = concat(messages.slice(0, 5));
    const framer = new Framer();
    for (const message of framer.push(chunk)) expect(message.buffer).toBe(chunk.buffer);
    expect(framer.pending).toBe(0);
    // A message in two parts does not keep the chunks that it came in.
    const [first] = messages as [Uint8Array];
    framer.push(first.slice(0, 5));
    const [whole] = framer.push(first.slice(5)) as [Uint8Array];
    expect(whole.buffer.byteLength).toBeLessThanOrEqual(Math.max(first.length, 8));
  });

  test("the longest message", () => {
    const longest = new Uint8Array(MAX_MESSAGE_BYTES);
    longest.set(header(MAX_MESSAGE_BYTES));
    const framer = new Framer();
    expect(framer.push(longest.subarray(0, 65_000))).toEqual([]);
    expect(framer.pending).toBe(65_000);
    expect(framer.push(concat([longest.subarray(65_000), header(8)])).map((message) => message.length)).toEqual([65_535, 8]);
    expect(framer.pending).toBe(0);
  });

  test("a length below 8 ends the stream, wherever it is seen", () => {
    for (let length = 0; length < 8; length++) {
      for (let cut = 0; cut <= 8; cut++) {
        const framer = new Framer();
        const seen: number[] = [];
        const bytes = concat([header(8), header(length)]);
        const push = (): void => {
          framer.push(bytes.subarray(0, 8 + cut), (message) => void seen.push(message.length));
          framer.push(bytes.subarray(8 + cut), (message) => void seen.push(message.length));
        };
        expect(code(push)).toBe("WIRE_LENGTH OFPBRC_BAD_LEN");
        expect(seen).toEqual([8]);
        expect(code(() => framer.push(header(8)))).toBe("WIRE_LENGTH OFPBRC_BAD_LEN");
        framer.reset();
        expect(framer.push(header(8))).toHaveLength(1);
      }
    }
  });

  test("an error of the receiver goes through and loses no message", () => {
    const framer = new Framer();
    const fail = (): void => {
      throw new RangeError("not mine");
    };
    const [first] = messages as [Uint8Array];
    expect(() => framer.push(first.slice(), fail)).toThrow("not mine");
    expect(framer.push(first).map(toHex)).toEqual([toHex(first)]);
  });
});
