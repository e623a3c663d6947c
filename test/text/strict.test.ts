import { describe, expect, test } from "vitest";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { formatMatch } from "../../src/text/format-match.ts";
import type { ParseWarning } from "../../src/text/parse-context.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { type ParseOptions, parseMatch } from "../../src/text/parse-match.ts";

function failure(text: string, options: ParseOptions = {}): OfsyncError {
  try {
    parseFlow(text, options);
  } catch (error) {
    if (isOfsyncError(error)) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

// [text, code of the strict error, offending text, match that ovs-ofctl makes of it]
const CHANGED: readonly (readonly [text: string, code: string, offending: string, ovs: string])[] = [
  ["dl_vlan=5000", "FIELD_RANGE", "5000", "dl_vlan=904"],
  ["arp,arp_op=257", "FIELD_RANGE", "257", "arp,arp_op=1"],
  ["ip,nw_src=256.1.1.1", "FIELD_RANGE", "256.1.1.1", "ip,nw_src=0.1.1.1"],
  ["dl_src=100:11:22:33:44:55", "FIELD_RANGE", "100:11:22:33:44:55", "dl_src=00:11:22:33:44:55"],
  ["dl_vlan_pcp=9", "FIELD_RANGE", "9", "dl_vlan_pcp=1"],
  ["ip,nw_tos=255", "FIELD_RANGE", "255", "ip,nw_tos=252"],
  ["mpls,mpls_label=0x100005", "FIELD_RANGE", "0x100005", "mpls,mpls_label=5"],
  ["ip,nw_dst=10.1.2.3/255.255.128.0", "FIELD_HOST_BITS", "10.1.2.3/255.255.128.0", "ip,nw_dst=10.1.0.0/17"],
  ["ip,nw_dst=10.1.2.3/0", "FIELD_HOST_BITS", "10.1.2.3/0", "ip"],
  ["ipv6,ipv6_dst=2001:db8::1/32", "FIELD_HOST_BITS", "2001:db8::1/32", "ipv6,ipv6_dst=2001:db8::/32"],
  ["reg0=0x1f/0xf0", "FIELD_HOST_BITS", "0x1f/0xf0", "reg0=0x10/0xf0"],
  ["tp_dst=80", "FIELD_PREREQUISITE", "tp_dst=80", ""],
  ["ip,tcp_flags=+syn", "FIELD_PREREQUISITE", "tcp_flags=+syn", "ip"],
  ["nw_src=10.0.0.1", "FIELD_PREREQUISITE", "nw_src=10.0.0.1", ""],
  ["udp,tcp_dst=53", "FIELD_PREREQUISITE", "tcp_dst=53", "udp,tp_dst=53"],
  ["icmp6,icmp_type=128,nd_target=::1", "FIELD_PREREQUISITE", "nd_target=::1", "icmp6,icmp_type=128"],
  ["reg0=1,reg0=2", "FIELD_DUPLICATE", "reg0=2", "reg0=0x2"],
  ["tcp,tp_dst=80,tcp_dst=81", "FIELD_DUPLICATE", "tcp_dst=81", "tcp,tp_dst=81"],
  ["tcp,udp", "FIELD_CONFLICT", "udp", "udp"],
  ["reg0=1,xreg0=5", "FIELD_CONFLICT", "xreg0=5", "reg0=0,reg1=0x5"],
  ["dl_vlan=5,vlan_tci=0x1006/0x1fff", "FIELD_CONFLICT", "vlan_tci=0x1006/0x1fff", "dl_vlan=6"],
  ["vlan_tci=0xa000/0xe000", "FIELD_LOST", "vlan_tci=0xa000/0xe000", ""],
  ["tun_gtpu_msgtype=0", "FIELD_LOST", "tun_gtpu_msgtype=0", ""],
  ["dl_type=0x894f,nsh_c1=5", "FIELD_HIDDEN", "nsh_c1=5", "dl_type=0x894f"],
  ["tun_gbp_flags=1/3", "FIELD_HIDDEN", "tun_gbp_flags=1/3", "tun_gbp_flags=0x1"],
  ["reg3", "FLOW_VALUE_MISSING", "reg3", ""],
  ["tcp=1", "FLOW_SYNTAX", "=1", "tcp"],
];

describe("what ovs-ofctl changes silently", () => {
  test.each(CHANGED)("%s", (text, code, offending, ovs) => {
    const flow = `table=3,${text},actions=drop`;
    const error = failure(flow, { line: 7 });
    expect(error.code).toBe(code);
    expect(error.place).toEqual({ line: 7, column: flow.indexOf(offending, 8) + 1, text: offending });
    expect(error.hint).toBeTruthy();
    const warnings: ParseWarning[] = [];
    const lenient = parseFlow(flow, { compat: "ovs", line: 7, onWarning: (warning) => warnings.push(warning) });
    expect(formatMatch(lenient.match)).toBe(ovs);
    expect(warnings.map((warning) => warning.code)).toContain(code);
    const own = warnings.find((warning) => warning.code === code);
    expect(own).toMatchObject({ line: 7, column: flow.indexOf(offending, 8) + 1 });
  });

  test("is never changed in strict mode: the flow says what was written", () => {
    expect(formatFlow(parseFlow("tcp,tp_dst=80,actions=drop"))).toBe("tcp,tp_dst=80 actions=drop");
  });
});

describe("what no switch takes", () => {
  test.each([
    ["skb_priority=1", "FIELD_NOT_ON_WIRE", "OFPBAC_MATCH_INCONSISTENT"],
    ["tun_ttl=5", "FIELD_NOT_ON_WIRE", "OFPBAC_MATCH_INCONSISTENT"],
    ["dl_type[0..7]=8", "FIELD_NOT_ON_WIRE", "OFPBAC_MATCH_INCONSISTENT"],
    ["ct_state=+trk,ip,ct_nw_src=10.0.0.1", "MATCH_REFUSED", "OFPBMC_BAD_PREREQ"],
    ["ct_state=+trk+est,ipv6,ct_nw_src=10.0.0.1", "FIELD_PREREQUISITE", "OFPBAC_MATCH_INCONSISTENT"],
    ["ipv6,ipv6_label=0x100000", "MATCH_REFUSED", "OFPBMC_BAD_VALUE"],
    ["tcp,nsh_si=3", "MATCH_REFUSED", "OFPBMC_BAD_PREREQ"],
  ])("%s", (text, code, openflowError) => {
    expect(failure(`${text},actions=drop`, { compat: "ovs" })).toMatchObject({ code, openflowError });
    expect(failure(`${text},actions=drop`).code).toMatch(/^FIELD_|^MATCH_/);
  });
});

describe("attributes", () => {
  test.each([
    ["priority=65536", "FLOW_VALUE", "65536"],
    ["priority=-1", "FLOW_VALUE", "-1"],
    ["priority=1,priority=2", "FLOW_DUPLICATE", "priority=2"],
    ["table=255", "FLOW_TABLE", "255"],
    ["table=0x5", "FLOW_TABLE", "0x5"],
    ["cookie=1/1", "FLOW_COOKIE_MASK", "/1"],
    ["cookie=0x10000000000000000", "FLOW_VALUE", "0x10000000000000000"],
    ["idle_timeout=", "FLOW_VALUE_MISSING", "idle_timeout"],
    ["importance=70000", "FLOW_VALUE", "70000"],
    ["send_flow_rem=1", "FLOW_SYNTAX", "=1"],
    ["out_port=1", "FLOW_KEYWORD", "out_port=1"],
    ["out_group=1", "FLOW_KEYWORD", "out_group=1"],
    ["colour=red", "FLOW_KEYWORD", "colour"],
    ["n_packets=many", "FLOW_STATISTICS", "many"],
  ])("%s", (text, code, offending) => {
    const error = failure(`${text},actions=drop`);
    expect(error.code).toBe(code);
    expect(error.place.text).toBe(offending);
    expect(error.place.column).toBe(text.lastIndexOf(offending) + 1);
  });

  test("are read in every spelling of ovs-ofctl", () => {
    const flow = parseFlow(
      "cookie=-1 table=7,priority=0x10 idle_timeout=5,hard_timeout=010,importance=3 send_flow_rem check_overlap,reset_counts no_packet_counts no_byte_counts,actions=drop",
    );
    expect(flow).toMatchObject({
      table: 7,
      priority: 16,
      cookie: 0xffff_ffff_ffff_ffffn,
      idleTimeout: 5,
      hardTimeout: 8,
      importance: 3,
      flags: 31,
    });
  });

  test("that a version does not have are refused in it", () => {
    expect(failure("reset_counts,actions=drop", { version: "OpenFlow10" }).code).toBe("FLOW_VERSION");
    expect(failure("no_byte_counts,actions=drop", { version: "OpenFlow12", compat: "ovs" }).code).toBe("FLOW_VERSION");
    expect(parseFlow("no_byte_counts,actions=drop", { version: "OpenFlow13" }).flags).toBe(16);
  });

  test("table 255 goes to table 0 for ovs-ofctl", () => {
    expect(parseFlow("table=255,actions=drop", { compat: "ovs" }).table).toBe(0);
  });
});

describe("hints", () => {
  test.each([
    ["ipv4_dst=1.2.3.4", /ip_dst/],
    ["nw_sorc=1.2.3.4", /nw_src/],
    ["NXM_NX_REG0=1", /reg0/],
    ["icmpv4_type=3", /icmp_type/],
    ["tcp_dst=80", /tcp or tcp6/],
  ])("%s", (text, hint) => {
    expect(failure(`${text},actions=drop`).hint).toMatch(hint);
  });

  test("a flow without actions is told what to write", () => {
    const error = failure("ip");
    expect(error).toMatchObject({ code: "FLOW_ACTIONS", place: { line: 1, column: 3 } });
    expect(error.hint).toMatch(/actions=drop/);
  });
});

describe("names that Open vSwitch prints but does not read", () => {
  test.each(["gtpu_flags=0x30", "gtpu_msgtype=5"])("%s", (text) => {
    expect(formatMatch(parseMatch(text))).toBe(text);
  });

  test("an IPv6 mask that starts with a digit", () => {
    expect(formatMatch(parseMatch("ipv6,ipv6_src=1000::/1fff:ff00::"))).toBe("ipv6,ipv6_src=1000::/1fff:ff00::");
  });
});

describe("spellings of one match", () => {
  test.each([
    ["tcp,tp_dst=80", "dl_type=0x800,nw_proto=6,tcp_dst=0x50"],
    ["reg0=5", "reg0=5/0xffffffff"],
    ["reg0=5", "NXM_NX_REG0[]=5"],
    ["reg0=0x30/0xf0", "reg0[4..7]=3"],
    ["reg0=1,reg1=2", "xreg0=0x100000002"],
    ["xxreg0=0x1", "reg0=0,reg1=0,reg2=0,reg3=1"],
    ["vlan_vid=0x1005", "dl_vlan=5"],
    ["dl_vlan=0xffff", "vlan_tci=0/0x1fff"],
    ["dl_vlan=5,dl_vlan_pcp=2", "vlan_tci=0x5005"],
    ["ip,nw_dst=10.0.0.0/8", "ip,ip_dst=10.0.0.0/255.0.0.0"],
    ["ip,nw_dst=0.0.0.0/0", "ip"],
    ["ip,ip_dscp=16", "ip,nw_tos=64"],
    ["in_port=LOCAL", "in_port=65534"],
    ["in_port_oxm=4294967294", "in_port=local"],
    ["ct_state=+trk-new", "ct_state=0x20/0x21"],
    ["tcp,tcp_flags=0x10/0xfff", "tcp,tcp_flags=ack"],
    ["eth,reg0=1", "reg0=1"],
    ["packet_type=(0,0),ip", "ip"],
    ["packet_type=(0,0)", ""],
    ["tunnel_id=5", "tun_id=0x5"],
    ["ip,nw_frag=first", "ip,ip_frag=FIRST"],
    ["arp,nw_src=1.2.3.4", "arp,arp_spa=1.2.3.4"],
    ["icmp6,icmp_type=135", "icmp6,icmpv6_type=135"],
  ])("%s is %s", (one, other) => {
    expect(parseMatch(one).equals(parseMatch(other))).toBe(true);
  });
});

describe("the hidden packet type", () => {
  test("never comes from text, unless asked for", () => {
    expect(parseMatch("eth,reg0=1").isHidden).toBe(false);
    const hidden = parseMatch("eth,reg0=1", { showHidden: true });
    expect(hidden.isHidden).toBe(true);
    expect(hidden.equals(parseMatch("reg0=1"))).toBe(false);
    expect(formatMatch(hidden)).toBe("reg0=0x1");
    const text = formatMatch(hidden, { showHidden: true });
    expect(text).toBe("packet_type=(0,0),reg0=0x1");
    expect(parseMatch(text, { showHidden: true }).equals(hidden)).toBe(true);
    // What implies Ethernet anyway has only one form.
    expect(parseMatch("eth,ip", { showHidden: true }).equals(parseMatch("ip"))).toBe(true);
  });
});

describe("forms that depend on the version", () => {
  test.each(["vlan_tci=0", "dl_vlan=0xffff", "vlan_tci=0/0x1fff"])("no VLAN tag in OpenFlow 1.0: %s", (text) => {
    const flow = parseFlow(`reg0=1,${text},actions=drop`, { version: "OpenFlow10" });
    expect(formatFlow(flow, { version: "OpenFlow10" })).toBe("reg0=0x1,vlan_tci=0x0000 actions=drop");
    expect(formatFlow(flow, { version: "OpenFlow13" })).toBe("reg0=0x1,vlan_tci=0x0000/0x1fff actions=drop");
    expect(parseFlow("reg0=0x1,vlan_tci=0x0000 actions=drop", { version: "OpenFlow10" }).equals(flow)).toBe(true);
  });

  test.each(["mod_dl_src:00:11:22:33:44:55", "mod_dl_dst:00:11:22:33:44:55", "mod_vlan_vid:5"])(
    "%s does not fit other packets than Ethernet once it is a set_field",
    (action) => {
      const text = `packet_type=(1,0x86dd),actions=${action}`;
      expect(failure(text, { version: "OpenFlow13" }).openflowError).toBe("OFPBAC_MATCH_INCONSISTENT");
      const flow = parseFlow(text, { version: "OpenFlow13", compat: "ovs" });
      expect(() => formatFlow(flow, { version: "OpenFlow13" })).toThrow(expect.objectContaining({ code: "ACTION_MATCH" }));
      expect(formatFlow(flow, { version: "OpenFlow10" })).toBe(`packet_type=(1,0x86dd) actions=${action}`);
    },
  );
});

test("the match ends where the word action begins, as with ovs-ofctl", () => {
  for (const field of [
    "dl_dst=50:54:00:05:00:00",
    "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
    "reg0=0x5",
    "ipv6,ipv6_dst=::1",
  ]) {
    expect(formatFlow(parseFlow(`${field}actions=drop`, { compat: "ovs" }))).toBe(`${field} actions=drop`);
  }
});
