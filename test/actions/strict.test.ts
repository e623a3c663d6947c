import { describe, expect, test } from "vitest";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { formatInstructions } from "../../src/text/actions/format-instructions.ts";
import type { ParseWarning } from "../../src/text/parse-context.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";

function fault(text: string): OfsyncError {
  try {
    parseFlow(text);
  } catch (error) {
    if (isOfsyncError(error)) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

// What ovs-ofctl changes without a word: the code in strict mode, the offending text, and what ovs-ofctl makes of it.
const SILENT: readonly (readonly [flow: string, code: string, at: string, ovs: string])[] = [
  ["actions=conjunction(4294967297,1/2)", "ACTION_RANGE", "4294967297,1/2", "conjunction(1,1/2)"],
  ["actions=learn(table=1,priority=70000)", "ACTION_RANGE", "70000", "learn(table=1,priority=4464)"],
  ["actions=learn(table=1,limit=-1)", "ACTION_RANGE", "-1", "learn(table=1,limit=4294967295)"],
  ["actions=learn(table=1,cookie=5x)", "ACTION_RANGE", "5x", "learn(table=1,cookie=0x5)"],
  ["ip,actions=dec_ttl(1,70000)", "ACTION_RANGE", "70000", "dec_ttl(1,4464)"],
  ["actions=group:-1", "ACTION_RANGE", "-1", "group:4294967295"],
  ["actions=set_queue:4294967297", "ACTION_RANGE", "4294967297", "set_queue:1"],
  ["actions=multipath(eth_src,70000,hrw,1,0,reg0)", "ACTION_RANGE", "70000", "multipath(eth_src,4464,hrw,1,0,NXM_NX_REG0[])"],
  ["actions=bundle(eth_src,x,hrw,ofport,members:1)", "ACTION_RANGE", "x", "bundle(eth_src,0,hrw,ofport,members:1)"],
  ["actions=load:5x->NXM_NX_REG0[]", "ACTION_SYNTAX", "x", "set_field:0x5->reg0"],
  ["actions=mod_dl_src:100:00:00:00:00:01", "ACTION_RANGE", "100:00:00:00:00:01", "set_field:00:00:00:00:00:01->eth_src"],
  ["actions=mod_dl_src:00:11:22:33:44:55zz", "ACTION_RANGE", "00:11:22:33:44:55zz", "set_field:00:11:22:33:44:55->eth_src"],
  ["ip,actions=ct(commit,nat(src=1.2.3.400))", "ACTION_RANGE", "1.2.3.400", "ct(commit,nat(src=1.2.3.144))"],
  ["ip,actions=ct(commit,nat(src=1.2.3.4:70000))", "ACTION_RANGE", "1.2.3.4:70000", "ct(commit,nat(src=1.2.3.4:4464))"],
  ["ip,actions=ct(commit,nat(src=abc))", "ACTION_RANGE", "abc", "ct(commit,nat(src))"],
  ["actions=exit:5", "ACTION_SYNTAX", "5", "exit"],
  ["ct_state=+trk+est,ip,actions=resubmit(1,2,ct,4)", "ACTION_SYNTAX", "4", "resubmit(1,2,ct)"],
  ["ip,actions=ct(zone=actset_output[0..15])", "ACTION_FIELD", "actset_output[0..15]", "ct(zone=15)"],
  ["dl_vlan=3,actions=set_field:5->dl_vlan", "ACTION_FIELD", "dl_vlan", "set_field:5->in_port"],
];

describe("what ovs-ofctl changes silently", () => {
  test.each(SILENT)("%s", (text, code, at, ovs) => {
    const error = fault(text);
    expect(error.code).toBe(code);
    expect(error.place.line).toBe(1);
    expect(error.hint).toBeTruthy();
    expect(error.place.column).toBe(text.lastIndexOf(at) + 1);
    expect(error.place.text).toBe(at);
    const warnings: ParseWarning[] = [];
    const flow = parseFlow(text, { compat: "ovs", onWarning: (warning) => warnings.push(warning) });
    expect(formatInstructions(flow.instructions, "OpenFlow15")).toBe(ovs);
    expect(warnings.map((warning) => warning.code)).toContain(code);
  });
});

describe("what ovs-ofctl sends and a switch refuses", () => {
  test.each([
    ["dl_vlan=5,actions=set_field:100->vlan_vid", "OFPBAC_BAD_SET_ARGUMENT"],
    ["actions=load:0x1->eth_type", "OFPBAC_BAD_SET_ARGUMENT"],
    ["actions=push_mpls:0x800", "OFPBAC_BAD_ARGUMENT"],
    ["ip,actions=ct(zone=reg0)", "OFPBAC_BAD_SET_LEN"],
    ["ip,actions=ct(nat(src=1.1.1.1))", "OFPBAC_BAD_ARGUMENT"],
    ["actions=output:1,set_field:1->in_port_oxm", "OFPBAC_BAD_SET_ARGUMENT"],
    ["actions=write_actions(exit)", "OFPBAC_BAD_TYPE"],
  ])("%s", (text, name) => {
    const error = fault(text);
    expect([error.code, error.openflowError]).toEqual(["ACTION_REFUSED", name]);
    expect(error.place.column).toBeGreaterThan(1);
    expect(() => parseFlow(text, { compat: "ovs" })).not.toThrow();
  });

  test("also when only its translation does not fit the match", () => {
    expect(fault("packet_type=(1,0x800),actions=mod_dl_dst:00:00:00:00:00:01").code).toBe("ACTION_MATCH");
  });
});

test("what Open vSwitch prints and does not read, ofsync reads", () => {
  expect(formatInstructions(parseFlow("ip,actions=set_field:48/0x3f->ip_dscp").instructions, "OpenFlow15")).toBe(
    "set_field:48/0x3f->ip_dscp",
  );
  expect(formatInstructions(parseFlow("ip,actions=ct(alg=99)").instructions, "OpenFlow15")).toBe("ct(alg=99)");
  expect(formatInstructions(parseFlow("actions=set_field:ANY->xreg1").instructions, "OpenFlow15")).toBe("set_field:ANY->xreg1");
  // In a port it is a value.
  expect(formatInstructions(parseFlow("actions=set_field:ANY->in_port").instructions, "OpenFlow13")).toBe(
    "set_field:ANY->in_port",
  );
  expect(() => parseFlow("ip,actions=set_field:48/0x3f->ip_dscp", { compat: "ovs" })).toThrowError();
  expect(() => parseFlow("ip,actions=set_field:0xff/0x3f->ip_dscp")).toThrowError();
});

test("a fault is found where it stands", () => {
  const at = (text: string, piece: string): void => {
    const { place } = fault(text);
    expect([place.text, place.column]).toEqual([piece, text.indexOf(piece) + 1]);
  };
  at("ip,actions=output:1,ct(commit,exec(output:2))", "output:2");
  at("actions=output:1,learn(table=2,foo=1)", "foo");
  at("actions=clone(output:1,mod_nw_ttl:256)", "256");
  at("actions=output:1,goto_table:3,output:2", "output:2");
  at("tcp,actions=output:1,set_field:1->udp_dst", "set_field:1->udp_dst");
  at("actions=set_field:1->reg99", "reg99");
  at("actions=output:1,push:tun_ttl", "push:tun_ttl");
});
