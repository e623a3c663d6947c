import { describe, expect, test } from "vitest";
import { toHex } from "../../src/bytes.ts";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { FIELDS, type Field } from "../../src/flow/fields.ts";
import { Match, type MatchFields } from "../../src/flow/match.ts";
import { parseMatch } from "../../src/text/parse-match.ts";

function failure(fields: unknown): OfsyncError {
  try {
    Match.of(fields as MatchFields);
  } catch (error) {
    if (isOfsyncError(error)) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(fields)} was taken`);
}

// What each prerequisite asks for, as fields of an object.
const NEEDS: Readonly<Record<string, MatchFields>> = {
  none: {},
  ethernet: {},
  vlan: { vlan_vid: 0x1005 },
  mpls: { eth_type: 0x8847 },
  ipv4: { eth_type: 0x800 },
  ipv6: { eth_type: 0x86dd },
  ip: { eth_type: 0x800 },
  arp: { eth_type: 0x806 },
  tcp: { eth_type: 0x800, ip_proto: 6 },
  udp: { eth_type: 0x800, ip_proto: 17 },
  sctp: { eth_type: 0x86dd, ip_proto: 132 },
  icmp4: { eth_type: 0x800, ip_proto: 1 },
  icmp6: { eth_type: 0x86dd, ip_proto: 58 },
  nd: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 135 },
  ndSolicit: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 135 },
  ndAdvert: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 136 },
  nsh: { eth_type: 0x894f, nsh_mdtype: 1 },
  ct: { eth_type: 0x800, ct_state: "+trk+est" },
};

// Beyond the prerequisite: what Open vSwitch needs to show or to send the field.
const MORE: Readonly<Record<string, MatchFields>> = {
  ct_ipv6_src: { eth_type: 0x86dd },
  ct_ipv6_dst: { eth_type: 0x86dd },
  ct_tp_src: { ct_nw_proto: 6 },
  ct_tp_dst: { ct_nw_proto: 6 },
  tun_erspan_idx: { tun_erspan_ver: 1 },
  tun_erspan_dir: { tun_erspan_ver: 2 },
  tun_erspan_hwid: { tun_erspan_ver: 2 },
};

function sampleOf(target: Field): string | number {
  switch (target.format) {
    case "ipv4":
      return "10.1.2.3";
    case "ipv6":
      return "2001:db8::5";
    case "mac":
      return "00:11:22:33:44:55";
    case "frag":
      return "not_later";
    case "packetType":
      return "(1,0x800)";
    case "ctState":
      return "+trk+est";
    default:
      return target.name === "nw_tos" ? 16 : target.name === "eth_type" ? 0x88cc : target.name === "vlan_tci" ? 0x1001 : 1;
  }
}

const sendable = FIELDS.filter((field) => field.headers.length > 0 || /^dl_vlan/.test(field.name));

describe("every field", () => {
  test.each(sendable.map((field) => [field.name, field] as const))("%s", (name, target) => {
    const needs = { ...NEEDS[target.prerequisite], ...MORE[name] };
    const value = sampleOf(target);
    const match = Match.of({ ...needs, [name]: value } as MatchFields);
    const entry = match.get(name as keyof MatchFields);
    expect(entry?.field).toBe(target);
    // The same from text, from bytes and as bigint, under every name.
    const bytes = entry?.value as Uint8Array;
    const input = entry?.mask === undefined ? bytes : { value: bytes, mask: entry.mask };
    if (target.format !== "frag") expect(Match.of({ ...needs, [name]: input } as MatchFields).equals(match)).toBe(true);
    if (typeof value === "number") {
      expect(Match.of({ ...needs, [name]: BigInt(value) } as MatchFields).equals(match)).toBe(true);
      expect(Match.of({ ...needs, [name]: String(value) } as MatchFields).equals(match)).toBe(true);
    }
    for (const alias of target.aliases) expect(Match.of({ ...needs, [alias]: value } as MatchFields).equals(match)).toBe(true);
    // The object that it gives is the match again.
    expect(Match.of(match.toJSON() as MatchFields).equals(match)).toBe(true);
  });

  test("that OpenFlow cannot carry is refused", () => {
    const rest = FIELDS.filter((field) => !sendable.includes(field));
    expect(rest.map((field) => field.name)).toEqual(["tun_ttl", "tun_tos", "skb_priority"]);
    for (const { name } of rest)
      expect(failure({ [name]: 1 })).toMatchObject({ code: "FIELD_NOT_ON_WIRE", place: { field: `match.${name}` } });
  });
});

describe("an object", () => {
  test("gives Open vSwitch's bytes", () => {
    expect(toHex(Match.of({ eth_type: 0x800, ipv4_dst: "10.0.0.0/8" }).bytes)).toBe("80000a020800800019080a000000ff000000");
    expect(Match.of({})).toBe(Match.any);
    expect(Match.of({ eth_type: undefined })).toBe(Match.any);
  });

  test("may use OpenFlow's own names", () => {
    expect(
      Match.of({ eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 136, ipv6_nd_target: "fe80::1", ipv6_nd_tll: "0:0:0:0:0:1" }),
    ).toEqual(parseMatch("icmp6,icmp_type=136,nd_target=fe80::1,nd_tll=00:00:00:00:00:01"));
    expect(Match.of({ eth_type: 0x800, ip_proto: 1, icmpv4_type: 8, icmpv4_code: 0, ipv4_src: 0x0a000001 })).toEqual(
      parseMatch("icmp,icmp_type=8,icmp_code=0,nw_src=10.0.0.1"),
    );
  });

  test("may give mask and value apart", () => {
    expect(Match.of({ reg3: { value: 0x10, mask: 0xf0n } })).toEqual(parseMatch("reg3=0x10/0xf0"));
    expect(Match.of({ eth_dst: { value: "01:00:00:00:00:00", mask: "01:00:00:00:00:00" } })).toEqual(
      parseMatch("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"),
    );
    expect(Match.of({ eth_type: 0x800, ip_src: { value: 0x0a000000, mask: "255.0.0.0" } })).toEqual(
      parseMatch("ip,nw_src=10.0.0.0/8"),
    );
  });

  test("may be in any order", () => {
    expect(Match.of({ tcp_dst: 80, ip_proto: 6, eth_type: 0x800 })).toEqual(parseMatch("tcp,tp_dst=80"));
    expect(Match.of({ ipv4_dst: "1.2.3.4", packet_type: "(1,0x800)" })).toEqual(
      parseMatch("packet_type=(1,0x800),nw_dst=1.2.3.4"),
    );
  });

  test.each([
    [{ ipv4_dst: "10.0.0.0/8" }, "FIELD_PREREQUISITE", "match.ipv4_dst"],
    [{ eth_type: 0x800, ipv4_dst: "10.0.0.1/8" }, "FIELD_HOST_BITS", "match.ipv4_dst"],
    [{ eth_type: 0x10000 }, "FIELD_RANGE", "match.eth_type"],
    [{ vlan_vid: 0x2000 }, "FIELD_RANGE", "match.vlan_vid"],
    [{ metadata: 1n << 64n }, "FIELD_RANGE", "match.metadata"],
    [{ eth_src: 1n << 48n }, "FIELD_RANGE", "match.eth_src"],
    [{ eth_src: new Uint8Array(5) }, "FIELD_RANGE", "match.eth_src"],
    [{ reg0: -1 }, "FIELD_SYNTAX", "match.reg0"],
    [{ reg0: 1.5 }, "FIELD_SYNTAX", "match.reg0"],
    [{ reg0: null }, "FIELD_SYNTAX", "match.reg0"],
    [{ reg0: {} }, "FIELD_SYNTAX", "match.reg0"],
    [{ reg0: true }, "FIELD_SYNTAX", "match.reg0"],
    [{ reg0: "one" }, "FIELD_SYNTAX", "match.reg0"],
    [{ eth_type: 0x800, ip_frag: 1 }, "FIELD_SYNTAX", "match.ip_frag"],
    [{ eth_type: 0x800, nw_src: "1.2.3.4", ip_src: "1.2.3.4" }, "FIELD_DUPLICATE", "match.ip_src"],
    [{ reg0: 1, xreg0: 5 }, "FIELD_CONFLICT", "match.xreg0"],
    [{ conj_id: { value: 1, mask: 1 } }, "FIELD_MASK", "match.conj_id"],
    [{ in_port: "eth0" }, "FIELD_PORT", "match.in_port"],
    [{ ct_state: "+old" }, "FIELD_FLAGS", "match.ct_state"],
    [{ ipv4dst: "1.2.3.4" }, "FIELD_UNKNOWN", "match.ipv4dst"],
    [{ toString: 1 }, "FIELD_UNKNOWN", "match.toString"],
  ])("%o is refused", (fields, code, path) => {
    expect(failure(fields)).toMatchObject({ code, place: { field: path } });
  });

  test("of another kind is refused", () => {
    for (const fields of [null, undefined, 5, "ip"]) expect(failure(fields).code).toBe("MATCH_VALUE");
  });
});

describe("reading a match", () => {
  const match = parseMatch("tcp,reg1=5,reg2=6/0xf,reg3=7,dl_vlan=5,dl_vlan_pcp=3,nw_dst=10.0.0.0/8,tp_dst=80");

  test("gives its fields in canonical order, registers each once", () => {
    expect(match.entries().map(({ name }) => name)).toEqual([
      "eth_type",
      "vlan_vid",
      "vlan_pcp",
      "ip_dst",
      "nw_proto",
      "tcp_dst",
      "reg1",
      "reg2",
      "reg3",
    ]);
  });

  test("finds a field under any of its names and views", () => {
    expect(match.get("nw_dst")).toMatchObject({ value: Uint8Array.of(10, 0, 0, 0), mask: Uint8Array.of(255, 0, 0, 0) });
    expect(match.get("ipv4_dst")).toEqual(match.get("ip_dst"));
    expect(match.get("dl_vlan")).toMatchObject({ value: Uint8Array.of(0, 5), mask: undefined });
    expect(match.get("vlan_tci")).toMatchObject({ value: Uint8Array.of(0x70, 5), mask: undefined });
    expect(match.get("xreg0")).toMatchObject({
      value: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 5),
      mask: Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255),
    });
    expect(match.get("udp_dst")).toBeUndefined();
    expect(match.get("reg7")).toBeUndefined();
    expect(() => match.get("nothing" as never)).toThrow(expect.objectContaining({ code: "FIELD_UNKNOWN" }));
  });

  test("as plain data", () => {
    expect(match.toJSON()).toEqual({
      eth_type: "0x800",
      vlan_vid: "4101",
      vlan_pcp: "3",
      ip_dst: "10.0.0.0/8",
      nw_proto: "6",
      tcp_dst: "80",
      reg1: "0x5",
      reg2: "0x6/0xf",
      reg3: "0x7",
    });
  });
});
