import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, toHex } from "../../src/bytes.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { sameMeaning } from "../../src/flow/meaning.ts";
import type { FlowModView } from "../../src/flow/packed-flow.ts";
import type { WireVersion } from "../../src/flow/version.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { decodeFlowChunk } from "../../src/wire/flow-chunk.ts";
import { FLOW_MOD_DEFAULTS, type FlowModMessage } from "../../src/wire/flow-mod.ts";
import { encodeBundledFlowMod, encodeFlowMod } from "../../src/wire/flow-mod-encoder.ts";
import { runs, seed } from "../seed.ts";

const { flow } = arbitraries(fc);
const settings = { seed, numRuns: runs(300) };
const VERSIONS: readonly WireVersion[] = [4, 5, 6];

function viewOf(of: Flow, command: number): FlowModView {
  // At odd places, as in a store or in a message.
  const matchBuffer = new Uint8Array(of.match.bytes.length + 5);
  matchBuffer.set(of.match.bytes, 3);
  const instructionsBuffer = new Uint8Array(of.instructions.bytes.length + 9);
  instructionsBuffer.set(of.instructions.bytes, 1);
  const { table, priority, cookieHigh, cookieLow, idleTimeout, hardTimeout, importance, flags } = of;
  const numbers = { command, table, priority, cookieHigh, cookieLow, idleTimeout, hardTimeout, importance, flags };
  return {
    ...numbers,
    matchBuffer,
    matchStart: 3,
    matchLength: of.match.bytes.length,
    instructionsBuffer,
    instructionsStart: 1,
    instructionsLength: of.instructions.bytes.length,
  };
}

function messageOf(of: Flow, command: number, version: WireVersion, xid: number): FlowModMessage {
  const { table, priority, match } = of;
  const key = { ...FLOW_MOD_DEFAULTS, type: "flowMod" as const, version, xid, table, priority, match };
  if (command === 2) return { ...key, command: "deleteStrict", cookie: 0n, instructions: Instructions.drop };
  const { instructions } = of;
  if (command === 1) return { ...key, command: "modifyStrict", cookie: 0n, instructions };
  const { cookie, idleTimeout, hardTimeout, flags } = of;
  const importance = version >= 5 ? of.importance : 0;
  return { ...key, command: "add", instructions, cookie, idleTimeout, hardTimeout, flags, importance };
}

describe.each(VERSIONS)("flow-mods from bytes, version byte %i", (version) => {
  test("are what the message encoder writes, and come back", () => {
    fc.assert(
      fc.property(flow, fc.nat(2), fc.nat(0xffff_ffff), (of, command, xid) => {
        const w = new ByteWriter(8);
        w.u32(0xdead_beef);
        encodeFlowMod(w, viewOf(of, command), version, xid);
        const bytes = w.finish().slice(4);
        const message = messageOf(of, command, version, xid);
        expect(toHex(bytes)).toBe(toHex(encodeMessage(message)));
        const back = decodeMessage(bytes) as FlowModMessage;
        expect(back.command).toBe(message.command);
        expect(toHex(back.match.bytes)).toBe(toHex(of.match.bytes));
        if (command !== 2) expect(sameMeaning(back.instructions, of.instructions)).toBe(true);
      }),
      settings,
    );
  });

  test("in a bundle too", () => {
    fc.assert(
      fc.property(flow, fc.nat(2), fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (of, command, xid, bundleId) => {
        const w = new ByteWriter(8);
        encodeBundledFlowMod(w, viewOf(of, command), version, xid, bundleId, 3);
        const message = messageOf(of, command, version, xid);
        const bytes = w.finish();
        expect(decodeMessage(bytes)).toMatchObject({ type: "bundleAdd", version, xid, bundleId, flags: 3 });
        const wrapped = encodeMessage({ type: "bundleAdd", version, xid, bundleId, flags: 3, message: encodeMessage(message) });
        expect(toHex(bytes)).toBe(toHex(wrapped));
      }),
      settings,
    );
  });

  test("a flow that does not go leaves nothing behind", () => {
    fc.assert(
      fc.property(flow, fc.boolean(), (of, bundled) => {
        const view = viewOf(of, 0);
        // An action that does not exist.
        view.instructionsBuffer = Uint8Array.of(0, 4, 0, 16, 0, 0, 0, 0, 0xee, 0xee, 0, 8, 0, 0, 0, 0);
        view.instructionsStart = 0;
        view.instructionsLength = 16;
        const w = new ByteWriter();
        w.u32(1);
        try {
          if (bundled) encodeBundledFlowMod(w, view, version, 1, 2, 3);
          else encodeFlowMod(w, view, version, 1);
        } catch {
          expect(w.length).toBe(4);
          return;
        }
        // OpenFlow 1.5's are copied unseen.
        expect(version).toBe(6);
      }),
      { seed, numRuns: 20 },
    );
  });

  test("a modify can be restricted to a cookie", () => {
    const [of] = fc.sample(flow, { seed, numRuns: 1 }) as [Flow];
    const w = new ByteWriter();
    const guard = { cookieHigh: 0x1122_3344, cookieLow: 0x5566_7788, maskHigh: 0xffff_ffff, maskLow: 0xffff_0000 };
    encodeFlowMod(w, viewOf(of, 1), version, 9, guard);
    expect(decodeMessage(w.finish())).toMatchObject({
      type: "flowMod",
      command: "modifyStrict",
      cookie: 0x1122_3344_5566_7788n,
      cookieMask: 0xffff_ffff_ffff_0000n,
      flags: 0,
    });
  });

  test("flows of a flow-stats reply come back packed", () => {
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 12 }), (flows) => {
        const reply = encodeMessage({
          type: "flowStatsReply",
          version,
          xid: 1,
          flows: flows.map((of, index) => ({
            table: of.table,
            priority: of.priority,
            match: of.match,
            instructions: of.instructions,
            cookie: of.cookie,
            idleTimeout: of.idleTimeout,
            hardTimeout: of.hardTimeout,
            importance: version >= 5 ? of.importance : 0,
            flags: of.flags,
            durationSeconds: index,
            durationNanoseconds: 5,
            packetCount: 0xffff_ffff_0000n + BigInt(index),
            byteCount: 7n,
          })),
        });
        const chunk = decodeFlowChunk(reply);
        expect(chunk.length).toBe(flows.length);
        for (const [index, of] of flows.entries()) {
          const found = chunk.at(index);
          expect(toHex(found.flow.match.bytes)).toBe(toHex(of.match.bytes));
          expect(sameMeaning(found.flow.instructions, of.instructions)).toBe(true);
          expect(found).toMatchObject({ packetCount: 0xffff_ffff_0000n + BigInt(index), byteCount: 7n, durationSeconds: index });
          expect(found.flow.cookie).toBe(of.cookie);
          expect(found.flow.importance).toBe(version >= 5 ? of.importance : 0);
        }
        expect(() => chunk.at(flows.length)).toThrow(RangeError);
      }),
      settings,
    );
  });
});

test("only whole flow-stats replies of OpenFlow 1.3 to 1.5 are read packed", () => {
  const echo = encodeMessage({ type: "echoRequest", version: 4, xid: 1, data: new Uint8Array(0) });
  expect(() => decodeFlowChunk(echo)).toThrow(expect.objectContaining({ code: "WIRE_MESSAGE" }));
  expect(() => decodeFlowChunk(echo.subarray(0, 7))).toThrow(expect.objectContaining({ code: "WIRE_TRUNCATED" }));
});
