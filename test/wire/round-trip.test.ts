import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { describeMessage, formatMessage } from "../../src/wire/format/format-message.ts";
import { messageToJson } from "../../src/wire/format/message-json.ts";
import type { OpenFlowMessage } from "../../src/wire/messages.ts";
import { runs, seed } from "../seed.ts";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
// All ones stand for "none".
const generationId = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen });
const bytes = fc.uint8Array({ maxLength: 40 });
const port = fc.oneof(fc.integer({ min: 1, max: 0xfeff }), fc.constantFrom(0xffff_fffe, 0xffff_fffd));
const physical = fc.integer({ min: 1, max: 0xfeff });
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((part) => [...part].map((byte) => byte.toString(16).padStart(2, "0")).join(":"));
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,14}$/);
const { match, flow } = arbitraries(fc);

const any = [1, 2, 3, 4, 5, 6];
const from = (first: number): number[] => any.filter((version) => version >= first);

/** A kind of message: its type, the versions that have it, and what goes into it. */
type Kind = readonly [type: string, versions: readonly number[], parts: Record<string, fc.Arbitrary<unknown>>];

const portParts = {
  port: physical,
  hardwareAddress: mac,
  name,
  config: fc.constantFrom(0, 1, 5, 32),
  state: fc.constantFrom(0, 1, 4),
};
// OpenFlow 1.0 numbers only the slower ones alike.
const speeds = { current: fc.nat(0x7f), advertised: fc.nat(0x7f), supported: fc.nat(0x7f), peer: fc.nat(0x7f) };
const description = fc.record({ ...portParts, ...speeds, currentSpeed: u32, maxSpeed: u32 });
const band = fc.record({
  band: fc.constant("drop"),
  rate: u32,
  burstSize: u32,
  precedenceLevel: fc.constant(0),
});
const meter = {
  meter: fc.integer({ min: 1, max: 0xffff_0000 }),
  flags: fc.constantFrom(1, 5, 9, 13),
  bands: fc.array(band, { maxLength: 4 }),
};
const bucketCounters = fc.array(fc.record({ packetCount: u64, byteCount: u64 }), { maxLength: 4 });
const time = { durationSeconds: u32, durationNanoseconds: u32 };
const group = { group: fc.nat(0xffff_ff00) };
const bucket = fc.record({
  id: fc.nat(0xffff_ff00),
  weight: fc.integer({ min: 1, max: 0xffff }),
  watchPort: fc.constant(0xffff_ffff),
  watchGroup: fc.constant(0xffff_ffff),
  actions: fc.array(fc.record({ type: fc.constant("output"), port: physical }), { maxLength: 3 }),
});

const KINDS: readonly Kind[] = [
  ["echoRequest", any, { data: bytes }],
  ["echoReply", any, { data: bytes }],
  ["barrierRequest", any, {}],
  ["barrierReply", any, {}],
  ["featuresRequest", any, {}],
  [
    "hello",
    any,
    { versions: fc.uniqueArray(fc.integer({ min: 1, max: 31 }), { minLength: 1 }).map((list) => list.sort((a, b) => a - b)) },
  ],
  ["setConfig", any, { flags: fc.nat(3), missSendLength: u16 }],
  ["getConfigReply", any, { flags: fc.nat(3), missSendLength: u16 }],
  ["roleRequest", from(3), { role: fc.constantFrom("equal", "master", "slave"), generationId }],
  ["roleReply", from(3), { role: fc.constantFrom("equal", "master", "slave"), generationId }],
  ["roleStatus", from(5), { role: fc.constantFrom("equal", "master", "slave"), reason: fc.nat(2), generationId }],
  [
    "bundleControl",
    from(4),
    { bundleId: u32, control: fc.constantFrom("openRequest", "commitRequest", "discardReply"), flags: fc.nat(3) },
  ],
  ["portStatus", any, { reason: fc.constantFrom("add", "delete", "modify"), port: fc.record({ ...portParts, ...speeds }) }],
  ["portDescReply", from(4), { ports: fc.array(description, { maxLength: 4 }) }],
  [
    "portMod",
    from(2),
    { port, hardwareAddress: mac, config: fc.constantFrom(0, 1), mask: fc.constantFrom(0, 1, 5), advertise: fc.nat(0x7ff) },
  ],
  ["meterMod", from(4), { command: fc.constantFrom("add", "modify"), ...meter }],
  ["meterConfigReply", from(4), { meters: fc.array(fc.record(meter), { maxLength: 3 }) }],
  [
    "meterStatsReply",
    from(4),
    {
      meters: fc.array(
        fc.record({ meter: meter.meter, flowCount: u32, packetCount: u64, byteCount: u64, ...time, bands: bucketCounters }),
        { maxLength: 3 },
      ),
    },
  ],
  [
    "groupStatsReply",
    from(4),
    {
      groups: fc.array(
        fc.record({ ...group, referenceCount: u32, packetCount: u64, byteCount: u64, ...time, buckets: bucketCounters }),
        { maxLength: 3 },
      ),
    },
  ],
  [
    "groupMod",
    [6],
    {
      command: fc.constantFrom("add", "modify"),
      groupType: fc.constant("select"),
      ...group,
      commandBucket: fc.constant(0xffff_ffff),
      buckets: fc.uniqueArray(bucket, { maxLength: 4, selector: ({ id }) => id }),
    },
  ],
  [
    "queueStatsReply",
    from(4),
    {
      queues: fc.array(fc.record({ port: physical, queue: u32, txBytes: u64, txPackets: u64, txErrors: u64, ...time }), {
        maxLength: 3,
      }),
    },
  ],
  ["aggregateReply", any, { packetCount: u64, byteCount: u64, flowCount: u32 }],
  ["aggregateRequest", from(2), { table: u8, outPort: port, outGroup: u32, cookie: u64, cookieMask: u64, match }],
  ["flowStatsRequest", from(3), { table: u8, outPort: port, outGroup: u32, cookie: u64, cookieMask: u64, match }],
  [
    "flowRemoved",
    [4, 5, 6],
    {
      match,
      cookie: u64,
      priority: u16,
      reason: fc.nat(2),
      table: fc.nat(254),
      idleTimeout: u16,
      hardTimeout: u16,
      ...time,
      packetCount: u64,
      byteCount: u64,
    },
  ],
  ["tableMod", from(2), { table: u8, config: fc.constant(0) }],
];

describe("what goes in comes out", () => {
  test.each(KINDS)("%s", (type, versions, parts) => {
    // OpenFlow 1.1's match is read only.
    const written = versions.filter((version) => !(version === 2 && "match" in parts));
    fc.assert(
      fc.property(fc.constantFrom(...written), u32, fc.record(parts), (version, xid, body) => {
        const message = { type, version, xid, ...body } as unknown as OpenFlowMessage;
        const encoded = encodeMessage(message);
        expect((encoded[2] as number) * 256 + (encoded[3] as number)).toBe(encoded.length);
        const decoded = decodeMessage(encoded);
        expect(messageToJson(decoded)).toMatchObject(messageToJson(message));
        expect(encodeMessage(decoded as OpenFlowMessage)).toEqual(encoded);
        expect(formatMessage(decoded)).toBe(describeMessage(encoded));
      }),
      { seed, numRuns: runs(60) },
    );
  });

  test("flow-mods of every command", () => {
    const commands = fc.constantFrom("add", "modify", "modifyStrict", "delete", "deleteStrict");
    fc.assert(
      fc.property(fc.constantFrom(4, 5, 6), u32, flow, commands, port, (version, xid, of, command, outPort) => {
        const { table, priority, cookie, idleTimeout, hardTimeout, flags, instructions } = of;
        const message = {
          type: "flowMod",
          version,
          xid,
          command,
          table,
          priority,
          match: of.match,
          instructions,
          cookie,
          cookieMask: command === "add" ? 0n : 0xffn,
          idleTimeout,
          hardTimeout,
          importance: version >= 5 && command === "add" ? of.importance : 0,
          bufferId: 0xffff_ffff,
          outPort,
          outGroup: 0xffff_ffff,
          flags,
        } as unknown as OpenFlowMessage & { type: "flowMod" };
        const encoded = encodeMessage(message);
        const decoded = decodeMessage(encoded) as typeof message;
        const { instructions: _one, match: _other, ...plain } = message;
        expect(decoded).toMatchObject(plain);
        expect(decoded.match.bytes).toEqual(of.match.bytes);
        expect(encodeMessage(decoded)).toEqual(encoded);
      }),
      { seed, numRuns: runs(200) },
    );
  });
});
