import fc from "fast-check";
import { type Field, field } from "../../src/flow/fields.ts";
import { formatFieldValue } from "../../src/text/field-value.ts";

/** Parts of a valid match in text, in any order: `["tcp", "tp_dst=80"]`. */
export type MatchParts = readonly string[];

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);

// Fields without prerequisites; each once.
const METADATA = [
  ..."dp_hash recirc_id conj_id tun_id tun_src tun_dst tun_ipv6_src tun_ipv6_dst tun_flags tun_gbp_id tun_gbp_flags".split(" "),
  ..."tun_gtpu_flags tun_gtpu_msgtype metadata in_port actset_output pkt_mark ct_zone ct_mark ct_label".split(" "),
  ...numbered("reg", 16),
  ...numbered("tun_metadata", 64),
];

interface Profile {
  /** Written as they are. */
  readonly given: readonly string[];
  /** Each perhaps, with any value. */
  readonly optional: readonly string[];
}

const L2 = ["eth_src", "eth_dst"];
const IP = [...L2, "nw_tos", "nw_ecn", "nw_ttl"];
const TCP = ["tcp_src", "tcp_dst", "tcp_flags"];

const PROFILES: readonly Profile[] = [
  { given: [], optional: [] },
  { given: [], optional: [...L2, "eth_type"] },
  { given: ["dl_vlan=5"], optional: [...L2, "vlan_pcp"] },
  { given: ["vlan_vid=0x1000/0x1000"], optional: [...L2, "vlan_pcp"] },
  { given: ["vlan_tci=0/0x1fff"], optional: L2 },
  { given: ["dl_vlan_pcp=3"], optional: L2 },
  { given: ["ip"], optional: [...IP, "ip_src", "ip_dst", "ip_frag", "nw_proto"] },
  { given: ["ipv6"], optional: [...IP, "ipv6_src", "ipv6_dst", "ipv6_label", "ip_frag", "nw_proto"] },
  { given: ["tcp"], optional: [...IP, "ip_src", "ip_dst", ...TCP] },
  { given: ["tcp6", "nw_frag=not_later"], optional: [...IP, "ipv6_src", "ipv6_dst", ...TCP] },
  { given: ["udp", "dl_vlan=9"], optional: [...IP, "ip_src", "ip_dst", "udp_src", "udp_dst"] },
  { given: ["udp6"], optional: [...IP, "ipv6_src", "ipv6_dst", "udp_src", "udp_dst"] },
  { given: ["sctp"], optional: [...IP, "ip_dst", "sctp_src", "sctp_dst"] },
  { given: ["icmp"], optional: [...IP, "ip_src", "icmp_type", "icmp_code"] },
  { given: ["icmp6"], optional: [...IP, "ipv6_dst", "icmpv6_type", "icmpv6_code"] },
  {
    given: ["icmp6", "icmp_type=135", "icmp_code=0"],
    optional: [...L2, "nd_target", "nd_sll", "nd_reserved", "nd_options_type"],
  },
  { given: ["icmp6", "icmp_type=136"], optional: [...L2, "nd_target", "nd_tll"] },
  { given: ["arp"], optional: [...L2, "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"] },
  { given: ["rarp"], optional: [...L2, "arp_op", "arp_spa"] },
  { given: ["mpls"], optional: [...L2, "mpls_label", "mpls_tc", "mpls_bos", "mpls_ttl"] },
  { given: ["mplsm"], optional: ["mpls_label"] },
  { given: ["dl_type=0x894f"], optional: ["nsh_flags", "nsh_ttl", "nsh_mdtype", "nsh_np", "nsh_spi", "nsh_si"] },
  { given: ["dl_type=0x894f", "nsh_mdtype=1"], optional: numbered("nsh_c", 5).slice(1) },
  { given: ["tun_erspan_ver=1"], optional: ["tun_erspan_idx"] },
  { given: ["tun_erspan_ver=2"], optional: ["tun_erspan_dir", "tun_erspan_hwid"] },
  { given: ["packet_type=(1,0x800)"], optional: ["ip_src", "ip_dst", "nw_proto"] },
  { given: ["packet_type=(1,0x86dd)"], optional: ["ipv6_src", "ipv6_dst"] },
  { given: ["packet_type=(0,5)"], optional: [] },
  { given: ["ct_state=+trk+est", "ip"], optional: ["ct_nw_src", "ct_nw_dst", "ip_src"] },
  {
    given: ["ct_state=-inv+trk", "tcp6", "ct_nw_proto=6"],
    optional: ["ct_ipv6_src", "ct_ipv6_dst", "ct_tp_src", "ct_tp_dst", "ipv6_src"],
  },
  { given: [], optional: ["ct_state"] },
];

// Fields whose mask Open vSwitch does not show, or does not keep.
const UNMASKED = /^tun_(gbp_flags|erspan_\w+|gtpu_\w+)$/;
// Bits that may be 1 where that is not all of the width.
const ALLOWED: Readonly<Record<string, bigint>> = {
  nw_tos: 0xfcn,
  arp_op: 0xffn,
  ct_state: 0xffn,
  nsh_ttl: 0x3fn,
  tun_flags: 1n,
};

function bytesOf(target: Field, value: bigint): Uint8Array {
  const bytes = new Uint8Array(target.bytes);
  let rest = value;
  for (let i = target.bytes - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** `name=value` or `name=value/mask` of a field that the profile lets stand there. */
export function arbitraryField(name: string): fc.Arbitrary<string> {
  const target = field(name);
  const allowed = ALLOWED[name] ?? (1n << BigInt(target.variable ? 256 : target.bits)) - 1n;
  if (target.format === "frag")
    return fc.constantFrom("no", "yes", "first", "later", "not_later").map((word) => `${name}=${word}`);
  if (target.format === "port" || target.format === "port10") {
    return fc.constantFrom("1", "65279", "LOCAL", "CONTROLLER", "17").map((port) => `${name}=${port}`);
  }
  if (name === "nsh_mdtype") return fc.constantFrom("nsh_mdtype=1", "nsh_mdtype=2");
  // IP and ARP have their own profiles; another Ethernet type leaves nothing to need.
  if (name === "eth_type") return fc.constantFrom("eth_type=0x88cc", "dl_type=0x1234", "dl_type=0xffff");
  const value = fc.bigInt({
    min: UNMASKED.test(name) ? 1n : 0n,
    max: target.variable ? (1n << 60n) - 1n : (1n << BigInt(target.bits)) - 1n,
  });
  const mask =
    target.maskable && !UNMASKED.test(name)
      ? fc.option(fc.bigInt({ min: 1n, max: allowed }), { nil: undefined })
      : fc.constant(undefined);
  return fc.tuple(value, mask).map(([v, m]) => writeField(target, v & allowed, m === undefined ? undefined : m & allowed));
}

function writeField(target: Field, value: bigint, mask: bigint | undefined): string {
  // Tunnel metadata is as long as its longest part; a mask that is all ones there would not be shown.
  const m = target.variable && mask !== undefined && /^f*$/.test(mask.toString(16)) ? mask << 1n : mask;
  if (target.variable) {
    return m === undefined
      ? `${target.name}=0x${value.toString(16)}`
      : `${target.name}=0x${(value & m).toString(16)}/0x${m.toString(16)}`;
  }
  if (m === undefined) {
    const text = formatFieldValue(target, bytesOf(target, value), undefined);
    return `${target.name}=${text.replace(/^packet_type=/, "")}`;
  }
  if (m === 0n) return `${target.name}=${formatFieldValue(target, bytesOf(target, value), undefined)}`;
  return `${target.name}=${formatFieldValue(target, bytesOf(target, value & m), bytesOf(target, m))}`;
}

function arbitraryOptional(names: readonly string[], most: number): fc.Arbitrary<string[]> {
  if (names.length === 0) return fc.constant([]);
  return fc.subarray([...names], { maxLength: Math.min(most, names.length) }).chain((chosen) => {
    if (chosen.length === 0) return fc.constant([]);
    return fc.tuple(...chosen.map(arbitraryField)).map((fields) => [...fields]);
  });
}

/** A match that strict reading takes, as parts of text. */
export const arbitraryParts: fc.Arbitrary<MatchParts> = fc.constantFrom(...PROFILES).chain((profile) =>
  fc.tuple(arbitraryOptional(profile.optional, 8), arbitraryOptional(METADATA, 4)).map(([own, metadata]) => {
    // Of a field that the profile gives already, the given one stays.
    const given = new Set(profile.given.map((part) => part.split("=")[0]));
    const extra = [...own, ...metadata].filter((part) => !given.has(part.split("=")[0]));
    return [...profile.given, ...extra];
  }),
);

/** The same parts in two orders. */
export const arbitraryShuffled: fc.Arbitrary<readonly [MatchParts, MatchParts]> = arbitraryParts.chain((parts) =>
  fc.shuffledSubarray([...parts], { minLength: parts.length, maxLength: parts.length }).map((other) => [parts, other] as const),
);
