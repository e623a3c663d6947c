import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalBytes, toHex } from "../../src/bytes.ts";
import type { Action } from "../../src/flow/actions/action.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { instructionsMeaning, sameMeaning } from "../../src/flow/meaning.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";
import { runs, seed } from "../seed.ts";
import { anyInstructions } from "./arbitrary-actions.ts";

function instructions(text: string): Instructions {
  return parseFlow(text).instructions;
}

// Each line: a match, and two lists of actions that Open vSwitch reports one as the other in some version.
const EQUAL: readonly (readonly [match: string, one: string, other: string])[] = [
  ["", "load:5->NXM_NX_REG0[]", "set_field:5->reg0"],
  ["", "load:5->NXM_NX_REG0[4..7]", "set_field:0x50/0xf0->reg0"],
  ["", "load:1->NXM_NX_REG0[0..3],load:2->NXM_NX_REG0[8..11]", "set_field:0x201/0xf0f->reg0"],
  ["", "load:1->NXM_NX_REG0[0..15],load:2->NXM_NX_REG0[16..31]", "set_field:0x20001->reg0"],
  ["", "load:0x123456789abcdef0123->NXM_NX_XXREG0[]", "set_field:0x123456789abcdef0123->xxreg0"],
  [
    "",
    "load:0x456789abcdef0123->NXM_NX_XXREG0[0..63],load:0x123->NXM_NX_XXREG0[64..127]",
    "set_field:0x123456789abcdef0123->xxreg0",
  ],
  ["", "mod_dl_src:00:11:22:33:44:55", "set_field:00:11:22:33:44:55->eth_src"],
  ["", "mod_dl_dst:00:11:22:33:44:55", "load:0x1122334455->NXM_OF_ETH_DST[]"],
  ["ip,", "mod_nw_src:1.2.3.4", "set_field:1.2.3.4->ip_src"],
  ["ip,", "mod_nw_dst:1.2.3.4", "set_field:1.2.3.4->ip_dst"],
  ["ip,", "mod_nw_tos:64", "set_field:16->ip_dscp"],
  ["ip,", "set_field:64->nw_tos", "set_field:16->ip_dscp"],
  ["ip,", "load:48->OXM_OF_IP_DSCP[]", "set_field:48/0x3f->ip_dscp"],
  ["ip,", "load:48->OXM_OF_IP_DSCP[]", "set_field:48->ip_dscp"],
  ["ip,", "mod_nw_ecn:2", "set_field:2->nw_ecn"],
  ["ip,", "mod_nw_ttl:9", "set_field:9->nw_ttl"],
  ["tcp,", "mod_tp_src:80", "set_field:80->tcp_src"],
  ["udp,", "mod_tp_dst:80", "set_field:80->udp_dst"],
  ["mpls,", "set_mpls_label(5)", "set_field:5->mpls_label"],
  ["mpls,", "set_mpls_tc(5)", "set_field:5->mpls_tc"],
  ["mpls,", "set_mpls_ttl(5)", "set_field:5->mpls_ttl"],
  ["", "set_tunnel:5", "set_field:5->tun_id"],
  ["", "set_tunnel64:5", "set_tunnel:5"],
  ["dl_vlan=5,", "strip_vlan", "pop_vlan"],
  ["dl_vlan=5,", "mod_vlan_vid:7", "set_field:4103->vlan_vid"],
  ["dl_vlan=5,", "mod_vlan_pcp:3", "set_field:3->vlan_pcp"],
  ["", "mod_vlan_vid:7", "push_vlan:0x8100,set_field:4103->vlan_vid"],
  ["", "mod_vlan_vid:7,mod_vlan_pcp:3", "push_vlan:0x8100,set_field:4103->vlan_vid,set_field:3->vlan_pcp"],
  ["", "enqueue:1:2", "set_queue:2,output:1,pop_queue"],
  ["", "note:01.02", "note:01.02.00.00.00.00"],
  ["", "resubmit:5", "resubmit(5,255)"],
  ["ip,", "dec_ttl", "dec_ttl(0)"],
  ["ip,", "ct(commit,exec(set_field:1->ct_mark),nat(src=1.2.3.4))", "ct(nat(src=1.2.3.4),exec(set_field:1->ct_mark),commit)"],
  ["ip,", "ct(commit,exec(load:1->NXM_NX_CT_MARK[0..3]))", "ct(commit,exec(set_field:1/0xf->ct_mark))"],
  ["ip,", "ct(commit,nat(src=1.2.3.4-1.2.3.4:5-5))", "ct(commit,nat(src=1.2.3.4:5))"],
  ["ip,", "ct(commit,zone=5,table=3)", "ct(table=3,zone=5,commit)"],
  ["", "clone(load:1->NXM_NX_REG0[],1)", "clone(set_field:1->reg0,output:1)"],
  ["", "write_actions(load:1->NXM_NX_REG0[],1)", "write_actions(set_field:1->reg0,output:1)"],
  ["", "write_metadata:5/0xf", "write_metadata:5/0xf"],
  ["", "1", "output:1"],
  ["", "output:CONTROLLER", "controller(max_len=65535)"],
];

// Each line: two lists that look alike and do different things.
const DIFFERENT: readonly (readonly [match: string, one: string, other: string])[] = [
  ["", "output:1", "output:2"],
  ["", "output:1,output:2", "output:2,output:1"],
  ["", "CONTROLLER:100", "CONTROLLER:200"],
  ["", "CONTROLLER:100", "controller(max_len=100,id=1)"],
  ["", "load:5->NXM_NX_REG0[0..7]", "load:5->NXM_NX_REG0[]"],
  ["", "set_field:1->reg0,output:1", "output:1,set_field:1->reg0"],
  ["", "set_field:1->reg0,output:1,set_field:2->reg0", "set_field:2->reg0,output:1,set_field:2->reg0"],
  ["", "set_field:1->reg0,set_field:2->reg1", "set_field:1->reg0,set_field:2->reg2"],
  ["", "move:NXM_NX_REG0[]->NXM_NX_REG1[]", "move:NXM_NX_REG1[]->NXM_NX_REG0[]"],
  ["", "set_field:1->reg0", "set_field:1->xreg0"],
  ["dl_vlan=5,", "mod_vlan_vid:7", "push_vlan:0x8100,set_field:4103->vlan_vid"],
  ["dl_vlan=5,", "pop_vlan", "pop_vlan,push_vlan:0x8100"],
  ["", "set_queue:2,output:1", "enqueue:1:2"],
  ["", "resubmit(,5)", "resubmit(1,5)"],
  ["", "resubmit(,5)", "goto_table:5"],
  ["ct_state=+trk+est,ip,", "resubmit(,5)", "resubmit(,5,ct)"],
  ["ip,", "dec_ttl", "dec_ttl(1)"],
  ["ip,", "dec_ttl(0,1)", "dec_ttl(1,0)"],
  ["ip,", "ct(commit)", "ct(commit,force)"],
  ["ip,", "ct(commit)", "ct(commit,nat)"],
  ["ip,", "ct(commit,nat(src=1.2.3.4))", "ct(commit,nat(dst=1.2.3.4))"],
  ["ip,", "ct(commit,nat(src=1.2.3.4,random))", "ct(commit,nat(src=1.2.3.4))"],
  ["ip,", "ct(table=3)", "ct(table=4)"],
  ["ip,", "ct(commit,exec(set_field:1->ct_mark))", "ct(commit,exec(set_field:2->ct_mark))"],
  ["", "clone(1)", "1"],
  ["", "clear_actions", "drop"],
  ["", "write_actions(1)", "1"],
  ["", "write_metadata:5/0xf", "write_metadata:5"],
  ["", "learn(table=2)", "learn(table=2,limit=5)"],
  ["", "conjunction(1,1/2)", "conjunction(1,2/2)"],
  ["", "meter:1,2", "meter:2,2"],
  ["", "note:01", "note:02"],
  ["", "set_tunnel:5", "set_field:5->reg0"],
];

describe("rules", () => {
  test.each(EQUAL)("%sactions=%s means %s", (match, one, other) => {
    const [a, b] = [instructions(`${match}actions=${one}`), instructions(`${match}actions=${other}`)];
    expect(toHex(instructionsMeaning(a.bytes))).toBe(toHex(instructionsMeaning(b.bytes)));
    expect(sameMeaning(a, b)).toBe(true);
  });

  test.each(DIFFERENT)("%sactions=%s does not mean %s", (match, one, other) => {
    expect(sameMeaning(instructions(`${match}actions=${one}`), instructions(`${match}actions=${other}`))).toBe(false);
  });

  test("forms that only typed actions or the wire can have", () => {
    const same = (one: Action[], other: Action[]): boolean =>
      sameMeaning(Instructions.ofActions(one), Instructions.ofActions(other));
    expect(same([{ type: "output", port: 1, maxLength: 77 }], [{ type: "output", port: 1 }])).toBe(true);
    expect(same([{ type: "output", port: "CONTROLLER", maxLength: 77 }], [{ type: "output", port: "CONTROLLER" }])).toBe(false);
    expect(same([{ type: "resubmit", port: 1, legacy: true }], [{ type: "resubmit", port: 1 }])).toBe(true);
    expect(same([{ type: "controller", controllerId: 3, extended: true }], [{ type: "controller", controllerId: 3 }])).toBe(true);
    expect(same([{ type: "sample", probability: 1, encoding: 3 }], [{ type: "sample", probability: 1 }])).toBe(true);
    expect(same([{ type: "learn", extended: true }], [{ type: "learn" }])).toBe(true);
    expect(
      same([{ type: "setField", field: "reg0", value: 1, regLoad2: true }], [{ type: "setField", field: "reg0", value: 1 }]),
    ).toBe(true);
    expect(same([{ type: "setField", field: "reg0", value: 0, mask: 0 }], [])).toBe(true);
    const move = { source: { field: "reg0" }, destination: { field: "reg1" } } as const;
    expect(same([{ type: "move", ...move, onf: true }], [{ type: "move", ...move }])).toBe(true);
  });
});

test("the form is a fixed point, and found by the scan", () => {
  let scanned = 0;
  fc.assert(
    fc.property(anyInstructions, (list) => {
      const { bytes } = Instructions.ofActions(list);
      const normal = instructionsMeaning(bytes);
      const again = instructionsMeaning(normal);
      expect(toHex(again)).toBe(toHex(normal));
      if (again === normal) scanned++;
    }),
    { seed, numRuns: runs(1000) },
  );
  // The very same array comes back for what is normal already.
  expect(scanned).toBe(runs(1000));
});

function dump(name: string): Map<string, Flow> {
  const bytes = readFileSync(new URL(`../vectors/flowsets/ovn-real-6k/${name}.txt.gz`, import.meta.url));
  const flows = new Map<string, Flow>();
  for (const { flow } of parseFlows(gunzipSync(bytes).toString("utf8")))
    flows.set(`${flow.table}/${flow.priority}/${toHex(flow.match.bytes)}`, flow);
  return flows;
}

test.each(["desired", "installed"])("one switch dumped in OpenFlow 1.3 and in 1.5 shows no difference: %s", (name) => {
  const old = dump(`${name}.OpenFlow13`);
  const modern = dump(`${name}.OpenFlow15`);
  expect([...old.keys()].sort()).toEqual([...modern.keys()].sort());
  let bytesDiffer = 0;
  for (const [key, flow] of old) {
    const other = modern.get(key) as Flow;
    if (!flow.instructions.equals(other.instructions)) bytesDiffer++;
    if (!equalBytes(instructionsMeaning(flow.instructions.bytes), instructionsMeaning(other.instructions.bytes))) {
      expect(other.instructions.toJSON()).toEqual(flow.instructions.toJSON());
    }
  }
  expect(bytesDiffer).toBeGreaterThan(2000);
});
