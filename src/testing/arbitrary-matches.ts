import type fastCheck from "fast-check";
import type { Arbitrary } from "fast-check";
import { type Field, field } from "../flow/fields.ts";
import { type FieldInput, Match, type MatchFields } from "../flow/match.ts";

/** fast-check, as its default export: handed in, so that `ofsync/testing` works without it and with any version from 4. */
export type FastCheck = typeof fastCheck;

/** What kind of packet a generated match speaks of. */
export type PacketKind =
  | "any"
  | "ethernet"
  | "arp"
  | "ipv4"
  | "ipv6"
  | "tcp"
  | "udp"
  | "sctp"
  | "icmp"
  | "icmp6"
  | "nd"
  | "mpls"
  | "nsh"
  | "ct";

/** A match with the kind of packets it is about: enough to know which actions fit. */
export interface KindOfMatch {
  readonly kind: PacketKind;
  readonly fields: MatchFields;
}

type FieldSet = Record<string, Arbitrary<FieldInput | undefined>>;

/** Generators of matches, from every group of fields. */
export function matchArbitraries(fc: FastCheck): { kinds: Arbitrary<KindOfMatch>; match: Arbitrary<Match> } {
  // Up to 15 % of the fields that could be there are: matches of one to five fields, as in real tables.
  const sometimes = (names: readonly string[]): FieldSet =>
    Object.fromEntries(names.map((name) => [name, fc.option(fieldValue(fc, field(name)), { nil: undefined, freq: 5 })]));
  const word = (words: readonly string[]): Arbitrary<FieldInput | undefined> =>
    fc.option(fc.constantFrom(...words), { nil: undefined, freq: 4 });
  const always = (value: FieldInput): Arbitrary<FieldInput> => fc.constant(value);

  const anywhere: FieldSet = {
    ...sometimes(["metadata", "reg0", "reg1", "reg6", "reg15", "xxreg2", "pkt_mark", "tun_id", "tun_src", "tun_ipv6_dst"]),
    ...sometimes(["tun_gbp_id", "ct_zone", "ct_mark", "ct_label", "conj_id"]),
    in_port: fc.option(fc.oneof(fc.integer({ min: 1, max: 0xfeff }), fc.constant("LOCAL")), { nil: undefined, freq: 2 }),
    ct_state: word(["+trk", "-trk", "+trk+est", "+trk+new-inv", "+trk-rel+rpl", "0x21/0x3f"]),
  };
  const ethernet: FieldSet = {
    ...anywhere,
    ...sometimes(["eth_src", "eth_dst"]),
    vlan_tci: word(["0/0x1fff", "0x1000/0x1000", "0x1005/0x1fff", "0x7005"]),
  };
  const ip: FieldSet = { ...ethernet, ...sometimes(["ip_dscp", "nw_ecn", "nw_ttl"]) };
  const fragments: FieldSet = { ip_frag: word(["no", "yes", "first", "later", "not_later"]) };
  const ipv4: FieldSet = { ...ip, eth_type: always(0x0800), ...sometimes(["ip_src", "ip_dst"]) };
  const ipv6: FieldSet = { ...ip, eth_type: always(0x86dd), ...sometimes(["ipv6_src", "ipv6_dst", "ipv6_label"]) };
  const protocol = (base: FieldSet, number: number, names: readonly string[]): FieldSet => ({
    ...base,
    nw_proto: always(number),
    ...sometimes(names),
  });
  const icmp6 = protocol(ipv6, 58, []);
  const both = (number: number, names: readonly string[]): FieldSet[] => [
    protocol(ipv4, number, names),
    protocol(ipv6, number, names),
  ];

  const sets: readonly (readonly [PacketKind, FieldSet])[] = [
    ["any", anywhere],
    ["ethernet", ethernet],
    ["ethernet", { ...ethernet, eth_type: fc.integer({ min: 0x9000, max: 0xefff }) }],
    [
      "arp",
      {
        ...ethernet,
        eth_type: always(0x0806),
        ...sometimes(["arp_spa", "arp_tpa", "arp_sha", "arp_tha"]),
        arp_op: word(["1", "2"]),
      },
    ],
    ["ipv4", { ...ipv4, ...fragments, nw_proto: fc.option(fc.integer({ min: 140, max: 252 }), { nil: undefined }) }],
    ["ipv6", { ...ipv6, ...fragments }],
    ...both(6, ["tcp_src", "tcp_dst", "tcp_flags"]).map((set) => ["tcp", set] as const),
    ...both(17, ["udp_src", "udp_dst"]).map((set) => ["udp", set] as const),
    ...both(132, ["sctp_src", "sctp_dst"]).map((set) => ["sctp", set] as const),
    ["icmp", protocol(ipv4, 1, ["icmp_type", "icmp_code"])],
    [
      "icmp6",
      { ...icmp6, ...sometimes(["icmpv6_code"]), icmpv6_type: fc.option(fc.integer({ min: 0, max: 133 }), { nil: undefined }) },
    ],
    ["nd", { ...icmp6, icmpv6_type: always(135), icmpv6_code: always(0), ...sometimes(["nd_target", "nd_sll"]) }],
    ["nd", { ...icmp6, icmpv6_type: always(136), icmpv6_code: always(0), ...sometimes(["nd_target", "nd_tll"]) }],
    [
      "mpls",
      {
        ...ethernet,
        vlan_tci: always("0/0x1fff"),
        eth_type: fc.constantFrom(0x8847, 0x8848),
        ...sometimes(["mpls_label", "mpls_tc", "mpls_bos", "mpls_ttl"]),
      },
    ],
    [
      "nsh",
      {
        ...ethernet,
        eth_type: always(0x894f),
        nsh_ttl: fc.option(fc.nat(63), { nil: undefined }),
        ...sometimes(["nsh_spi", "nsh_si"]),
      },
    ],
    ["nsh", { ...ethernet, eth_type: always(0x894f), nsh_mdtype: always(1), ...sometimes(["nsh_c1", "nsh_c4"]) }],
    [
      "ct",
      {
        ...protocol(ipv4, 6, ["tcp_dst"]),
        ct_state: always("+trk+est"),
        ct_nw_proto: always(6),
        ...sometimes(["ct_nw_src", "ct_nw_dst", "ct_tp_dst"]),
      },
    ],
  ];
  const kinds = fc.oneof(
    ...sets.map(([kind, set]) => fc.record(set).map((fields): KindOfMatch => ({ kind, fields: fields as MatchFields }))),
  );
  return { kinds, match: kinds.map(({ fields }) => Match.of(fields)) };
}

/** A value of a field, half of the time under a mask where it may have one. Never with bits outside the mask or the field. */
export function fieldValue(fc: FastCheck, target: Field): Arbitrary<FieldInput> {
  const bytes = Math.min(target.bytes, target.variable ? 8 : target.bytes);
  const top = target.bits % 8 === 0 || target.variable ? 0xff : (1 << (target.bits % 8)) - 1;
  const blanks = bytes - Math.ceil(Math.min(target.bits, bytes * 8) / 8);
  const within = (raw: Uint8Array): Uint8Array => {
    const value = raw.slice();
    value.fill(0, 0, blanks);
    value[blanks] = (value[blanks] as number) & top;
    return value;
  };
  const raw = fc.uint8Array({ minLength: bytes, maxLength: bytes });
  const exact = raw.map(within);
  if (!target.maskable || target.variable) return exact;
  const prefix = fc.nat(bytes * 8 - 1).map((free) => {
    const mask = new Uint8Array(bytes).fill(0xff);
    for (let bit = 0; bit < free; bit++)
      mask[bytes - 1 - (bit >> 3)] = (mask[bytes - 1 - (bit >> 3)] as number) & ~(1 << (bit & 7));
    return mask;
  });
  const masked = fc.tuple(exact, fc.oneof(prefix, raw)).map(([value, anyMask]): FieldInput => {
    const mask = within(anyMask);
    if (mask.every((byte) => byte === 0)) return value;
    return { value: value.map((byte, i) => byte & (mask[i] as number)), mask };
  });
  return fc.oneof(exact, masked);
}
