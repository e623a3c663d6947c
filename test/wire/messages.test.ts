import { describe, expect, test } from "vitest";
import { equalBytes, toHex } from "../../src/bytes.ts";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { UNKNOWN_ERROR } from "../../src/wire/error-message.ts";
import { describeMessage } from "../../src/wire/format/format-message.ts";
import { messageToJson } from "../../src/wire/format/message-json.ts";
import type { OpenFlowMessage, UnknownMessage } from "../../src/wire/messages.ts";
import { readDepartures } from "../text/vectors.ts";
import { compareWithRyu } from "./ryu.ts";
import { bytesOf, type MessageVector, readMessages } from "./vectors.ts";

const vectors = readMessages();
const departures = readDepartures();

function decoded(vector: MessageVector): OpenFlowMessage | UnknownMessage | OfsyncError {
  try {
    return decodeMessage(bytesOf(vector));
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    return error;
  }
}

// encode-error-reply prints neither the transaction id nor a final newline.
function comparable(vector: MessageVector, text: string): string {
  return vector.tag === "error-encode" ? text.replaceAll(" (xid=0x55)", "").trimEnd() : text;
}

describe("messages as Open vSwitch 3.1 reads them", () => {
  test("texts", () => {
    const wrong: string[] = [];
    const stale: string[] = [];
    let departed = 0;
    for (const vector of vectors) {
      const text = describeMessage(bytesOf(vector), { verbosity: vector.verbosity ?? 2 });
      const same = comparable(vector, text) === comparable(vector, vector.text);
      if (departures.has(vector.id)) {
        departed++;
        if (same) stale.push(vector.id);
      } else if (!same) wrong.push(`${vector.id}\n  wanted ${vector.text}\n  got    ${text}`);
    }
    console.info(
      `messages.jsonl: ${vectors.length - departed - wrong.length} texts agree, ${departed} depart, ${wrong.length} fail`,
    );
    expect(wrong).toEqual([]);
    expect(stale).toEqual([]);
    expect(vectors).toHaveLength(1629);
  });

  test("verdicts on malformed messages have a name and a place", () => {
    const wrong: string[] = [];
    let refused = 0;
    for (const vector of vectors) {
      const result = decoded(vector);
      if (!(result instanceof Error)) {
        // What ovs-ofctl refuses because it does not know it is kept as it came; an embedded message is not looked into.
        const name = result.type === "unknown" ? result.openflowError : undefined;
        const kept = result.type === "unknown" || result.type === "error" || vector.error === undefined;
        if (!kept || (name !== undefined && vector.error !== undefined && name !== vector.error))
          wrong.push(`${vector.id} is read`);
        continue;
      }
      refused++;
      const { offset } = result.place;
      if (!result.code.startsWith("WIRE_")) wrong.push(`${vector.id}: ${result.code}`);
      if (offset === undefined || offset < 0 || offset > bytesOf(vector).length) wrong.push(`${vector.id}: byte ${offset}`);
      const verdict = vector.error ?? vector.ovs_decode_error;
      // Without a verdict the record is cut off: ovs-ofctl says so instead.
      if (verdict === undefined ? !/\*\*\*(truncated to|only uses)/.test(vector.text) : verdict !== result.openflowError) {
        if (!departures.has(vector.id))
          wrong.push(`${vector.id}: wanted ${verdict}, got ${result.openflowError}: ${result.message}`);
      }
    }
    console.info(`messages.jsonl: ${refused} messages refused with a typed error`);
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(60);
  });

  test("encoding what was decoded", () => {
    const wrong: string[] = [];
    let same = 0;
    let other = 0;
    for (const vector of vectors) {
      const message = decoded(vector);
      if (message instanceof Error || message.type === "unknown") continue;
      const bytes = bytesOf(vector);
      // OpenFlow 1.1's own match structure is read, never written.
      if (message.version === 2 && "match" in message) continue;
      const again = encodeMessage(message);
      if (equalBytes(again, bytes)) {
        same++;
        continue;
      }
      other++;
      // Open vSwitch's own messages come out as they were; of others, padding, order and idle fields may differ once. In OpenFlow
      // 1.0, Open vSwitch mixes OXM's in_port into the NXM fields of its own packet-in.
      if (vector.source.kind === "captured" && !vector.text.startsWith("NXT_PACKET_IN2 (xid"))
        wrong.push(`${vector.id}: ${toHex(again)}`);
      if (!equalBytes(encodeMessage(decodeMessage(again)), again)) wrong.push(`${vector.id} changes again`);
      if (again[1] !== bytes[1]) wrong.push(`${vector.id} becomes another message`);
    }
    console.info(`messages.jsonl: ${same} encode to the same bytes, ${other} to Open vSwitch's form of them`);
    expect(wrong).toEqual([]);
    expect(same).toBeGreaterThan(1500);
  });

  test("numbers as Ryu reads them", () => {
    const wrong: string[] = [];
    let messages = 0;
    let values = 0;
    for (const vector of vectors) {
      const message = vector.json === undefined ? undefined : decoded(vector);
      if (message === undefined || message instanceof Error || message.type === "unknown") continue;
      const found = compareWithRyu(vector.json, messageToJson(message));
      messages++;
      values += found.compared;
      for (const complaint of found.wrong) wrong.push(`${vector.id}: ${complaint}`);
    }
    console.info(`Ryu: ${values} values of ${messages} messages agree`);
    expect(wrong).toEqual([]);
    expect(values).toBeGreaterThan(1800);
  });

  test("recorded errors by name", () => {
    let count = 0;
    for (const vector of vectors) {
      const name = vector.printed_name ?? vector.error_name;
      if (name === undefined) continue;
      const message = decoded(vector);
      expect(message, vector.id).toMatchObject({ type: "error", error: name });
      expect(name).not.toBe(UNKNOWN_ERROR);
      count++;
    }
    expect(count).toBeGreaterThan(500);
  });

  test("JSON is plain, and every message has one", () => {
    for (const vector of vectors) {
      const message = decoded(vector);
      if (message instanceof Error) continue;
      const json = messageToJson(message);
      expect(JSON.parse(JSON.stringify(json)), vector.id).toEqual(json);
      const known = message.version >= 1 && message.version <= 6;
      expect(json.version, vector.id).toBe(known ? `OpenFlow1${message.version - 1}` : message.version);
    }
  });
});
