import type { Arbitrary } from "fast-check";
import type { Action, FieldValue } from "../flow/actions/action.ts";
import type { InstructionsInit } from "../flow/instructions.ts";
import type { FastCheck, PacketKind } from "./arbitrary-matches.ts";

/** An action with the kinds of packets it fits; `undefined` = all. */
interface FittingAction {
  readonly action: Action;
  readonly kinds: ReadonlySet<PacketKind> | undefined;
}

const IPV4: ReadonlySet<PacketKind> = new Set(["ipv4", "icmp", "ct"]);
const IP: ReadonlySet<PacketKind> = new Set(["ipv4", "ipv6", "tcp", "udp", "sctp", "icmp", "icmp6", "nd", "ct"]);
const TCP: ReadonlySet<PacketKind> = new Set(["tcp", "ct"]);
const UDP: ReadonlySet<PacketKind> = new Set(["udp"]);
const ICMP6: ReadonlySet<PacketKind> = new Set(["icmp6", "nd"]);
const MPLS: ReadonlySet<PacketKind> = new Set(["mpls"]);

/** What else of the switch the generated instructions may use. */
export interface InstructionOptions {
  /** Groups that exist; default none. */
  readonly groups?: readonly number[];
  /** Meters that exist; default none. */
  readonly meters?: readonly number[];
}

/** Parts of instructions, not yet chosen for a match and a table. */
export interface InstructionParts {
  readonly apply: readonly FittingAction[];
  /** When there are any, nothing else is. */
  readonly conjunctions: readonly Action[];
  readonly write: readonly FittingAction[];
  readonly clear: boolean;
  readonly metadata: { readonly value: bigint; readonly mask: bigint } | undefined;
  readonly jump: number | undefined;
  readonly meter: number | undefined;
}

/** Generator of parts of instructions, from every group of actions. */
export function instructionParts(fc: FastCheck, options: InstructionOptions = {}): Arbitrary<InstructionParts> {
  const { groups = [], meters = [] } = options;
  const port = fc.integer({ min: 1, max: 0xfeff });
  const byte = fc.nat(255);
  const word = fc.nat(0xffff);
  const u32 = fc.nat(0xffff_ffff);
  const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  const table = fc.nat(254);
  const register = fc.nat(15).map((n) => `reg${n}`);
  const bytes = (max: number): Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength: max });
  const hardware = fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((raw) => [...raw].map((b) => b.toString(16).padStart(2, "0")).join(":"));
  const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((raw) => raw.join("."));
  const bits = fc.tuple(register, fc.nat(31), fc.integer({ min: 1, max: 32 })).map(([name, offset, width]) => ({
    field: name,
    offset,
    bits: Math.min(width, 32 - offset),
  }));
  const set = (name: string, value: Arbitrary<FieldValue>): Arbitrary<Action> =>
    value.map((one): Action => ({ type: "setField", field: name, value: one }));

  const anyPacket: Arbitrary<Action> = fc.oneof(
    { weight: 6, arbitrary: port.map((n): Action => ({ type: "output", port: n })) },
    fc.constantFrom("IN_PORT", "NORMAL", "FLOOD", "ALL", "LOCAL").map((name): Action => ({ type: "output", port: name })),
    word.map((maxLength): Action => ({ type: "output", port: "CONTROLLER", maxLength })),
    fc
      .record({ maxLength: word, controllerId: word, userdata: bytes(20), pause: fc.boolean() })
      .map((parts): Action => ({ type: "controller", ...parts })),
    { weight: 3, arbitrary: fc.tuple(register, u32).map(([name, value]): Action => ({ type: "setField", field: name, value })) },
    set("eth_src", hardware),
    set("eth_dst", hardware),
    set("pkt_mark", u32),
    set("tun_id", u64),
    fc.tuple(u32, u32).map(([value, mask]): Action => {
      const some = (mask | 1) >>> 0;
      return { type: "setField", field: "reg2", value: (value & some) >>> 0, mask: some };
    }),
    {
      weight: 3,
      arbitrary: fc.tuple(bits, u32).map(([destination, value]): Action => {
        return { type: "load", destination, value: destination.bits === 32 ? value : value % 2 ** destination.bits };
      }),
    },
    fc.tuple(bits, register).map(([source, name]): Action => {
      return { type: "move", source, destination: { field: name, offset: 0, bits: source.bits } };
    }),
    bits.map((subfield): Action => ({ type: "push", subfield })),
    bits.map((subfield): Action => ({ type: "pop", subfield })),
    u32.map((queue): Action => ({ type: "setQueue", queue })),
    fc.constantFrom("popQueue", "ctClear").map((type): Action => ({ type })),
    {
      weight: 3,
      arbitrary: fc.oneof(
        table.map((next): Action => ({ type: "resubmit", table: next })),
        fc.tuple(port, table).map(([from, next]): Action => ({ type: "resubmit", port: from, table: next })),
      ),
    },
    // Text has no place for a length here, so it stays the default.
    register.map((name): Action => ({ type: "outputReg", source: { field: name, bits: 16 } })),
    fc
      .tuple(port, fc.integer({ min: 14, max: 0xffff }))
      .map(([to, maxLength]): Action => ({ type: "outputTruncated", port: to, maxLength })),
    bytes(14).map((data): Action => ({ type: "note", data })),
    u64.map((id): Action => ({ type: "setTunnel", id })),
    fc.constantFrom(0x8100, 0x88a8).map((etherType): Action => ({ type: "pushVlan", etherType })),
    fc.constant<Action>({ type: "exit" }),
    fc.tuple(word, fc.integer({ min: 1, max: 0x10000 }), register).map(([basis, links, name]): Action => {
      const destination = { field: name, offset: 0, bits: 32 };
      return { type: "multipath", fields: "symmetric_l4", basis, algorithm: "modulo_n", links, argument: 0, destination };
    }),
    fc.tuple(register, fc.nat(31), word).map(([name, offset, length]): Action => {
      return { type: "checkPktLarger", length, destination: { field: name, offset, bits: 1 } };
    }),
    fc.tuple(fc.integer({ min: 1, max: 0xffff }), u32).map(([probability, collectorSetId]): Action => {
      return { type: "sample", probability, collectorSetId };
    }),
    fc.tuple(table, word, fc.nat(0xffff)).map(([next, priority, idleTimeout]): Action => {
      return {
        type: "learn",
        table: next,
        priority,
        idleTimeout,
        specs: [
          { type: "matchField", destination: { field: "eth_dst" }, source: { field: "eth_src" } },
          { type: "loadField", destination: { field: "reg0", bits: 16 }, source: { field: "in_port" } },
        ],
      };
    }),
    fc.array(port, { minLength: 1, maxLength: 3 }).map((ports): Action => {
      return { type: "clone", actions: ports.map((to): Action => ({ type: "output", port: to })) };
    }),
    fc.tuple(fc.constantFrom("eth_src", "symmetric_l4", "nw_src"), word, port, port).map(([fields, basis, a, b]): Action => {
      return { type: "bundle", fields, basis, algorithm: "hrw", members: [a, b] };
    }),
    ...(groups.length === 0 ? [] : [fc.constantFrom(...groups).map((group): Action => ({ type: "group", group }))]),
  );
  const ipPacket: Arbitrary<Action> = fc.oneof(
    fc.constant<Action>({ type: "decTtl" }),
    set("ip_dscp", fc.nat(63)),
    byte.map((value): Action => ({ type: "modNwTtl", value })),
    fc.tuple(fc.boolean(), table, word).map(([commit, next, zone]): Action => ({ type: "ct", commit, table: next, zone })),
    fc.tuple(word, u32).map(([zone, mark]): Action => {
      return { type: "ct", commit: true, zone, actions: [{ type: "nat" }, { type: "setField", field: "ct_mark", value: mark }] };
    }),
  );
  const action: Arbitrary<FittingAction> = fc.oneof(
    { weight: 12, arbitrary: fitting(anyPacket, undefined) },
    { weight: 5, arbitrary: fitting(ipPacket, IP) },
    {
      weight: 3,
      arbitrary: fitting(
        fc.oneof(
          address.map((ip): Action => ({ type: "modNwSrc", address: ip })),
          set("ip_dst", address),
        ),
        IPV4,
      ),
    },
    { weight: 2, arbitrary: fitting(set("tcp_dst", word), TCP) },
    { weight: 2, arbitrary: fitting(set("udp_src", word), UDP) },
    { weight: 1, arbitrary: fitting(set("icmpv6_code", byte), ICMP6) },
    { weight: 1, arbitrary: fitting(set("mpls_label", fc.nat(0xfffff)), MPLS) },
  );
  const conjunction = fc.tuple(u32, fc.integer({ min: 2, max: 64 }), fc.nat(63)).map(([id, clauses, n]): Action => {
    return { type: "conjunction", id, clause: (n % clauses) + 1, clauses };
  });
  return fc.record({
    conjunctions: fc.oneof(
      { weight: 9, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(conjunction, { minLength: 1, maxLength: 3 }) },
    ),
    apply: fc.array(action, { maxLength: 5 }),
    write: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      fc.array(
        fitting(
          fc.oneof(
            port.map((n): Action => ({ type: "output", port: n })),
            set("eth_src", hardware),
          ),
          undefined,
        ),
        { maxLength: 2 },
      ),
    ),
    clear: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()),
    metadata: fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      fc.tuple(u64, u64).map(([value, mask]) => ({ value: value & (mask | 1n), mask: mask | 1n })),
    ),
    jump: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat(253)),
    meter: meters.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...meters), { nil: undefined, freq: 2 }),
  });
}

/** What of the parts fits a flow of this table that matches this kind of packet. */
export function assembleInstructions(parts: InstructionParts, kind: PacketKind, table: number): InstructionsInit {
  const chosen = (list: readonly FittingAction[]): Action[] => {
    const fit = list.filter(({ kinds }) => kinds === undefined || kinds.has(kind)).map(({ action }) => action);
    // Open vSwitch knows two VLAN tags, and the match may have one already.
    const firstPush = fit.findIndex(({ type }) => type === "pushVlan");
    return fit.filter(({ type }, i) => type !== "pushVlan" || i === firstPush);
  };
  const { conjunctions, clear, metadata, jump, meter } = parts;
  if (conjunctions.length > 0) return { apply: conjunctions };
  const write = chosen(parts.write);
  return {
    apply: chosen(parts.apply),
    ...(write.length === 0 ? {} : { write }),
    ...(clear ? { clear } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(jump === undefined || table >= 254 ? {} : { goto: Math.max(table + 1, jump) }),
    ...(meter === undefined ? {} : { meter }),
  };
}

function fitting(actions: Arbitrary<Action>, kinds: ReadonlySet<PacketKind> | undefined): Arbitrary<FittingAction> {
  return actions.map((action) => ({ action, kinds }));
}
