import fc from "fast-check";
import type { Action, FieldValue, SubField } from "../../src/flow/actions/action.ts";
import { hasNxmHeader } from "../../src/flow/actions/subfield.ts";
import { FIELDS, type Field } from "../../src/flow/fields.ts";

/** Actions that a switch takes, without regard to the match; what they need of it is left open. */

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const port = fc.oneof(
  fc.integer({ min: 0, max: 0xfeff }),
  fc.constantFrom("IN_PORT", "TABLE", "NORMAL", "FLOOD", "ALL", "LOCAL", "CONTROLLER" as const),
);
const queuePort = fc.oneof(fc.integer({ min: 0, max: 0xfeff }), fc.constantFrom("IN_PORT", "LOCAL" as const));
const flag = fc.constant(true as const);

const sent = FIELDS.filter((field) => field.headers.length > 0 && !field.variable);
// Fields whose values are all valid, so that any bits may be written.
const free = sent.filter(
  (field) =>
    field.writable &&
    field.bits === field.bytes * 8 &&
    !["nw_tos", "arp_op", "in_port_oxm", "ct_mark", "ct_label", "nsh_ttl", "nsh_spi"].includes(field.name),
);

function partOf(fields: readonly Field[], minimum = 1, maximum = 1024): fc.Arbitrary<SubField> {
  const wide = fields.filter((field) => field.bits >= minimum);
  return fc
    .constantFrom(...wide)
    .chain((field) =>
      fc
        .integer({ min: minimum, max: Math.min(maximum, field.bits) })
        .chain((bits) => fc.integer({ min: 0, max: field.bits - bits }).map((offset) => ({ field: field.name, offset, bits }))),
    );
}

function bitsOf(bits: number): fc.Arbitrary<FieldValue> {
  return fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
}

const nxm = sent.filter(hasNxmHeader);
const short = free.filter(hasNxmHeader);
// Packed ranges have 6 bits for the width.
const packed = (fields: readonly Field[], minimum = 1): fc.Arbitrary<SubField> => partOf(fields, minimum, 64);

const setField: fc.Arbitrary<Action> = fc.constantFrom(...free).chain((field) =>
  fc.tuple(bitsOf(field.bits), fc.option(bitsOf(field.bits), { nil: undefined })).map(([value, mask]): Action => {
    if (mask === undefined || mask === 0n) return { type: "setField", field: field.name, value };
    return { type: "setField", field: field.name, value: (value as bigint) & (mask as bigint), mask };
  }),
);
const load: fc.Arbitrary<Action> = partOf(free).chain((destination) =>
  bitsOf(destination.bits ?? 1).map((value): Action => ({ type: "load", destination, value })),
);
const move: fc.Arbitrary<Action> = partOf(sent).chain((source) =>
  partOf(free, source.bits, source.bits).map((destination): Action => ({ type: "move", source, destination })),
);
const hash = fc.constantFrom(
  "eth_src",
  "symmetric_l4",
  "symmetric_l3l4",
  "symmetric_l3l4+udp",
  "nw_src",
  "nw_dst",
  "symmetric_l3" as const,
);
const ipv4 = fc.tuple(fc.integer({ min: 1, max: 9 }), u8, u8, u8).map((parts) => parts.join("."));
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":"));

const nat: fc.Arbitrary<Action> = fc.oneof(
  fc.constant<Action>({ type: "nat" }),
  fc.record(
    {
      type: fc.constant("nat" as const),
      direction: fc.constantFrom("src", "dst" as const),
      address: fc.record({ first: ipv4 }),
      persistent: flag,
    },
    { requiredKeys: ["type", "direction"] },
  ),
  fc.tuple(ipv4, fc.integer({ min: 1, max: 99 })).map(
    ([first, low]): Action => ({
      type: "nat",
      direction: "dst",
      address: { first, last: "200.0.0.1" },
      ports: { first: low, last: 100 },
      random: true,
    }),
  ),
  fc.constant<Action>({
    type: "nat",
    direction: "src",
    address: { first: "fe80::1", last: "fe80::ff" },
    ports: { first: 7 },
    hash: true,
  }),
);
const ctWrite: fc.Arbitrary<Action> = fc.oneof(
  bitsOf(32).map((value): Action => ({ type: "setField", field: "ct_mark", value })),
  bitsOf(128).map((value): Action => ({ type: "setField", field: "ct_label", value })),
  bitsOf(100).map((value): Action => ({ type: "load", destination: { field: "ct_label", offset: 3, bits: 100 }, value })),
);
const ct: fc.Arbitrary<Action> = fc.oneof(
  fc.record(
    {
      type: fc.constant("ct" as const),
      table: fc.integer({ min: 0, max: 254 }),
      zone: fc.oneof(u16, partOf(nxm, 16, 16)),
      alg: fc.constantFrom("ftp", "tftp" as const),
    },
    { requiredKeys: ["type"] },
  ),
  fc.record(
    {
      type: fc.constant("ct" as const),
      commit: flag,
      force: flag,
      zone: u16,
      actions: fc.array(fc.oneof(nat, ctWrite), { maxLength: 4 }),
    },
    { requiredKeys: ["type", "commit"] },
  ),
);

const learnSpec = fc.oneof(
  packed(short).map((source) => ({ type: "output" as const, source })),
  packed(nxm).map((destination) => ({ type: "matchField" as const, destination, source: destination })),
  partOf(short).chain((destination) =>
    bitsOf(destination.bits ?? 1).map((value) => ({ type: "loadValue" as const, destination, value })),
  ),
  partOf(short).chain((destination) =>
    bitsOf(destination.bits ?? 1).map((value) => ({ type: "matchValue" as const, destination, value })),
  ),
);

const simple: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant("output" as const), port, maxLength: u16 }, { requiredKeys: ["type", "port"] }),
  fc.record({ type: fc.constant("group" as const), group: u32 }),
  fc.record(
    {
      type: fc.constant("controller" as const),
      maxLength: u16,
      controllerId: u16,
      reason: fc.constantFrom("action", "invalid_ttl", "no_match" as const),
      userdata: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      pause: flag,
      meter: u32,
    },
    { requiredKeys: ["type"] },
  ),
  fc.record({ type: fc.constant("enqueue" as const), port: queuePort, queue: u32 }),
  packed(sent).map((source): Action => ({ type: "outputReg", source })),
  fc.record({ type: fc.constant("outputTruncated" as const), port, maxLength: fc.integer({ min: 14, max: 0xffff_ffff }) }),
  fc.record(
    {
      type: fc.constant("bundle" as const),
      fields: hash,
      basis: u16,
      algorithm: fc.constantFrom("hrw", "active_backup" as const),
      members: fc.array(queuePort, { maxLength: 9 }),
      destination: packed(short, 16),
    },
    { requiredKeys: ["type", "fields", "basis", "algorithm", "members"] },
  ),
  fc.record({
    type: fc.constant("multipath" as const),
    fields: hash,
    basis: u16,
    algorithm: fc.constantFrom("modulo_n", "hrw", "iter_hash", "hash_threshold" as const),
    links: fc.integer({ min: 1, max: 65536 }),
    argument: u32,
    destination: packed(short, 16),
  }),
  setField,
  load,
  move,
  partOf(sent).map((subfield): Action => ({ type: "push", subfield })),
  partOf(free).map((subfield): Action => ({ type: "pop", subfield })),
  fc.record(
    { type: fc.constant("setVlanVid" as const), vlan: fc.integer({ min: 0, max: 4095 }), pushIfNeeded: flag, tagged: flag },
    { requiredKeys: ["type", "vlan"] },
  ),
  fc.record(
    { type: fc.constant("setVlanPcp" as const), priority: fc.integer({ min: 0, max: 7 }), pushIfNeeded: flag, tagged: flag },
    { requiredKeys: ["type", "priority"] },
  ),
  fc.constantFrom<Action>(
    { type: "pushVlan", etherType: 0x8100 },
    { type: "pushVlan", etherType: 0x88a8 },
    { type: "pushMpls", etherType: 0x8847 },
    { type: "popMpls", etherType: 0x800 },
  ),
  fc.record({ type: fc.constantFrom("modDlSrc", "modDlDst" as const), address: mac }),
  fc.record({ type: fc.constantFrom("modNwSrc", "modNwDst" as const), address: ipv4 }),
  fc.record({ type: fc.constant("modNwTos" as const), value: fc.integer({ min: 0, max: 63 }).map((n) => n * 4) }),
  fc.record({ type: fc.constant("modNwEcn" as const), value: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ type: fc.constantFrom("modNwTtl", "setMplsTtl" as const), value: u8 }),
  fc.record(
    { type: fc.constantFrom("modTpSrc", "modTpDst" as const), port: u16, protocol: fc.constantFrom(6, 17, 132) },
    { requiredKeys: ["type", "port"] },
  ),
  fc.record({ type: fc.constant("setMplsLabel" as const), value: fc.integer({ min: 0, max: 0xfffff }) }),
  fc.record({ type: fc.constant("setMplsTc" as const), value: fc.integer({ min: 0, max: 7 }) }),
  fc.record(
    { type: fc.constant("decTtl" as const), controllers: fc.array(u16, { minLength: 1, maxLength: 5 }) },
    { requiredKeys: ["type"] },
  ),
  fc.constantFrom<Action>(
    { type: "popVlan" },
    { type: "decMplsTtl" },
    { type: "popQueue" },
    { type: "exit" },
    { type: "ctClear" },
    { type: "debugSlow" },
    { type: "debugRecirc" },
    { type: "deleteField", field: "tun_metadata7" },
  ),
  fc.record(
    { type: fc.constant("setTunnel" as const), id: fc.oneof(u64, u32.map(BigInt)), wide: flag },
    { requiredKeys: ["type", "id"] },
  ),
  fc.record({ type: fc.constant("setQueue" as const), queue: u32 }),
  fc.record({ type: fc.constant("finTimeout" as const), idleTimeout: u16, hardTimeout: u16 }),
  fc.record(
    { type: fc.constant("resubmit" as const), port, table: fc.integer({ min: 0, max: 254 }), ct: flag },
    { requiredKeys: ["type"] },
  ),
  fc.record(
    {
      type: fc.constant("learn" as const),
      table: fc.integer({ min: 0, max: 254 }),
      priority: u16,
      idleTimeout: u16,
      hardTimeout: u16,
      finIdleTimeout: u16,
      finHardTimeout: u16,
      cookie: u64,
      sendFlowRemoved: flag,
      deleteLearned: flag,
      limit: u32,
      resultDestination: partOf(free, 1, 1),
      specs: fc.array(learnSpec, { maxLength: 5 }),
    },
    { requiredKeys: ["type"] },
  ),
  fc.uint8Array({ maxLength: 40 }).map((data): Action => ({ type: "note", data })),
  fc.record(
    {
      type: fc.constant("sample" as const),
      probability: fc.integer({ min: 1, max: 65535 }),
      collectorSetId: u32,
      observationDomainId: u32,
      observationPointId: u32,
      samplingPort: queuePort,
      direction: fc.constantFrom("ingress", "egress" as const),
    },
    { requiredKeys: ["type", "probability"] },
  ),
  ct,
  fc.record({ type: fc.constant("checkPktLarger" as const), length: u16, destination: partOf(free, 1, 1) }),
);

/** One action, of any type that may stand in apply-actions. */
export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: simple },
  { weight: 1, arbitrary: fc.array(simple, { maxLength: 3 }).map((actions): Action => ({ type: "clone", actions })) },
);

const inSet: fc.Arbitrary<Action> = fc.oneof(
  setField,
  load,
  fc.record({ type: fc.constant("output" as const), port }),
  fc.constant<Action>({ type: "popVlan" }),
);

/** A list of actions and instructions in an order that every version allows. */
export const anyInstructions: fc.Arbitrary<Action[]> = fc
  .record({
    meter: fc.option(fc.integer({ min: 1, max: 0xffff_0000 }), { nil: undefined }),
    apply: fc.array(anyAction, { maxLength: 6 }),
    clear: fc.boolean(),
    write: fc.option(fc.array(inSet, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    metadata: fc.option(fc.record({ value: u64, mask: u64 }), { nil: undefined }),
    goto: fc.option(fc.integer({ min: 1, max: 254 }), { nil: undefined }),
  })
  .map(({ meter, apply, clear, write, metadata, goto }) => [
    ...(meter === undefined ? [] : [{ type: "meter", meter } as const]),
    ...apply,
    ...(clear ? [{ type: "clearActions" } as const] : []),
    ...(write === undefined ? [] : [{ type: "writeActions", actions: write } as const]),
    ...(metadata === undefined ? [] : [{ type: "writeMetadata", ...metadata } as const]),
    ...(goto === undefined ? [] : [{ type: "gotoTable", table: goto } as const]),
  ]);
