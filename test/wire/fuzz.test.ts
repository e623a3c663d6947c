import { describe, expect, test } from "vitest";
import { toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { decodeFlowChunk } from "../../src/wire/flow-chunk.ts";
import { describeMessage, formatMessage } from "../../src/wire/format/format-message.ts";
import { messageToJson } from "../../src/wire/format/message-json.ts";
import { announceSeeds, runs, seeds } from "../seed.ts";
import { bytesOf, readMessages } from "./vectors.ts";

announceSeeds();

const messages = readMessages()
  .filter((vector) => vector.tag !== "error-encode")
  .map(bytesOf)
  .filter((bytes) => bytes.length <= 4000);

/** Whole numbers below a limit, the same for the same seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  };
}

function setLength(bytes: Uint8Array): void {
  if (bytes.length < 4) return;
  bytes[2] = bytes.length >> 8;
  bytes[3] = bytes.length & 0xff;
}

function mutated(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  let result = bytes.slice();
  for (let changes = random(5); changes > 0; changes--) {
    const at = random(result.length);
    result[at] = random(2) === 0 ? random(256) : (result[at] as number) ^ (1 << random(8));
  }
  if (random(3) === 0) result = result.slice(0, random(result.length + 1));
  if (random(10) > 0) setLength(result);
  return result;
}

/** Leaves the head of the multipart message alone. */
function mutatedBody(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const result = bytes.slice();
  for (let changes = 1 + random(2); changes > 0; changes--) {
    const at = 16 + random(result.length - 16);
    result[at] = random(2) === 0 ? random(256) : (result[at] as number) ^ (1 << random(8));
  }
  return result;
}

/** What is wrong with how the bytes were refused; `undefined` = nothing. */
function complaint(error: unknown, bytes: Uint8Array): string | undefined {
  if (!isOfsyncError(error)) return `not typed: ${String(error)}`;
  if (!error.code.startsWith("WIRE_")) return error.code;
  const { offset } = error.place;
  if (offset === undefined || offset < 0 || offset > bytes.length) return `byte ${offset} of ${bytes.length}: ${error.message}`;
  return error.openflowError === undefined ? `no OpenFlow error: ${error.message}` : undefined;
}

function check(bytes: Uint8Array): string | undefined {
  let message: ReturnType<typeof decodeMessage>;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    return complaint(error, bytes);
  } finally {
    // Says what it is, whatever it is.
    describeMessage(bytes);
  }
  formatMessage(message);
  JSON.stringify(messageToJson(message));
  if (message.type === "unknown") return undefined;
  try {
    const again = encodeMessage(message);
    const twice = encodeMessage(decodeMessage(again) as typeof message);
    return toHex(again) === toHex(twice) ? undefined : `unstable: ${toHex(again)} and ${toHex(twice)}`;
  } catch (error) {
    // What is read is not always written: other forms may be longer, or miss a part.
    return isOfsyncError(error) ? undefined : `encoding: ${String(error)}`;
  }
}

function timed(bytes: Uint8Array): [complaint: string | undefined, milliseconds: number] {
  const from = performance.now();
  const found = check(bytes);
  return [found, performance.now() - from];
}

describe.each(seeds)("hostile bytes, seed %i", (seed) => {
  test("changed messages are decoded or refused with a typed error, quickly", () => {
    const random = randomOf(seed);
    const wrong: string[] = [];
    let slowest = 0;
    const start = performance.now();
    let count = 0;
    for (let round = runs(20); round > 0; round--) {
      for (const message of messages) {
        const bytes = mutated(message, random);
        const [found, time] = timed(bytes);
        // Again when it was long: the machine may have been busy with something else.
        slowest = Math.max(slowest, time < 50 ? time : Math.min(time, timed(bytes)[1], timed(bytes)[1]));
        if (found !== undefined) wrong.push(`${toHex(bytes)}: ${found}`);
        count++;
      }
    }
    console.info(
      `fuzz: ${count} changed messages in ${Math.round(performance.now() - start)} ms, slowest ${slowest.toFixed(1)} ms`,
    );
    expect(wrong).toEqual([]);
    expect(slowest).toBeLessThan(500);
  });

  test("random bytes", () => {
    const random = randomOf(seed + 1);
    const wrong: string[] = [];
    for (let i = runs(20_000); i > 0; i--) {
      const bytes = Uint8Array.from({ length: random(200) }, () => random(256));
      if (bytes.length > 1 && random(4) > 0) {
        bytes[0] = 1 + random(6);
        bytes[1] = random(36);
      }
      if (random(10) > 0) setLength(bytes);
      const found = check(bytes);
      if (found !== undefined) wrong.push(`${toHex(bytes)}: ${found}`);
    }
    expect(wrong).toEqual([]);
  });

  test("the packed flow-stats reader says what the message decoder says", () => {
    const random = randomOf(seed + 2);
    const replies = messages.filter(
      (bytes) => (bytes[0] as number) >= 4 && bytes[1] === 19 && bytes[8] === 0 && bytes[9] === 1 && bytes.length > 16,
    );
    expect(replies.length).toBeGreaterThan(10);
    let flows = 0;
    for (let round = runs(200); round >= 0; round--) {
      for (const reply of replies) {
        // The first round as they are.
        const bytes = round === runs(200) ? reply : mutatedBody(reply, random);
        flows += compareChunk(bytes);
      }
    }
    console.info(`flow-stats replies: ${flows} flows read alike`);
    expect(flows).toBeGreaterThan(1000);
  });
});

// Compares both readers of flow-stats replies; returns how many flows there were.
function compareChunk(bytes: Uint8Array): number {
  const attempt = <T>(run: () => T): T | string => {
    try {
      return run();
    } catch (error) {
      expect(complaint(error, bytes)).toBeUndefined();
      return "refused";
    }
  };
  const chunk = attempt(() => decodeFlowChunk(bytes));
  const message = attempt(() => decodeMessage(bytes));
  if (typeof message !== "string" && (message.type !== "flowStatsReply" || message.version < 4)) {
    expect(chunk, toHex(bytes)).toBe("refused");
    return 0;
  }
  if (typeof chunk === "string" || typeof message === "string") {
    // No switch has a flow in table 255; the decoder of messages shows it all the same.
    if (typeof message !== "string" && message.flows.some((flow) => flow.table === 255)) return 0;
    expect([chunk, message], toHex(bytes)).toEqual(["refused", "refused"]);
    return 0;
  }
  expect(chunk.length).toBe(message.flows.length);
  for (const [index, flow] of message.flows.entries()) {
    const packed = chunk.at(index);
    expect(packed.flow.match.bytes).toEqual(flow.match.bytes);
    expect(packed.flow.instructions.bytes).toEqual(flow.instructions.bytes);
    const { table, priority, cookie, idleTimeout, hardTimeout, flags, importance } = packed.flow;
    expect({ table, priority, cookie, idleTimeout, hardTimeout, flags, importance }).toEqual({
      table: flow.table,
      priority: flow.priority,
      cookie: flow.cookie,
      idleTimeout: flow.idleTimeout,
      hardTimeout: flow.hardTimeout,
      flags: flow.flags,
      importance: flow.importance,
    });
  }
  return message.flows.length;
}
