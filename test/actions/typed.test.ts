import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ByteWriter, fromHex, toHex } from "../../src/bytes.ts";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import type { Action, ActionType } from "../../src/flow/actions/action.ts";
import { make } from "../../src/flow/actions/make.ts";
import { decodeInstructions, encodeInstructions } from "../../src/flow/actions/wire.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { matchFactsOf, noFacts } from "../../src/flow/match-facts.ts";
import { type OpenFlowVersion, wireVersionOf } from "../../src/flow/version.ts";
import { formatInstructions } from "../../src/text/actions/format-instructions.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";

function fault(attempt: () => unknown): OfsyncError {
  try {
    attempt();
  } catch (error) {
    if (isOfsyncError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

// One of each type, with what a 1.3 and a 1.5 switch would print for it.
const reg0 = { field: "reg0" } as const;
const EACH: readonly (readonly [action: Action, in13: string, in15: string])[] = [
  [{ type: "output", port: 1 }, "output:1", "output:1"],
  [{ type: "output", port: 0xffff_fffe }, "LOCAL", "LOCAL"],
  [{ type: "group", group: 5 }, "group:5", "group:5"],
  [
    { type: "controller", controllerId: 7, userdata: Uint8Array.of(1, 2) },
    "controller(id=7,userdata=01.02)",
    "controller(id=7,userdata=01.02)",
  ],
  [{ type: "enqueue", port: 1, queue: 2 }, "set_queue:2,output:1,pop_queue", "set_queue:2,output:1,pop_queue"],
  [{ type: "outputReg", source: { field: "reg0", bits: 16 } }, "output:NXM_NX_REG0[0..15]", "output:NXM_NX_REG0[0..15]"],
  [{ type: "outputTruncated", port: 1, maxLength: 100 }, "output(port=1,max_len=100)", "output(port=1,max_len=100)"],
  [
    { type: "bundle", fields: "eth_src", basis: 0, algorithm: "hrw", members: [4, 8] },
    "bundle(eth_src,0,hrw,ofport,members:4,8)",
    "bundle(eth_src,0,hrw,ofport,members:4,8)",
  ],
  [
    { type: "setField", field: "eth_dst", value: "00:11:22:33:44:55" },
    "set_field:00:11:22:33:44:55->eth_dst",
    "set_field:00:11:22:33:44:55->eth_dst",
  ],
  [{ type: "setField", field: "reg0", value: 0x10, mask: 0xf0 }, "load:0x1->NXM_NX_REG0[4..7]", "set_field:0x10/0xf0->reg0"],
  [{ type: "load", destination: reg0, value: 5 }, "load:0x5->NXM_NX_REG0[]", "set_field:0x5->reg0"],
  [
    { type: "move", source: reg0, destination: { field: "reg1" } },
    "move:NXM_NX_REG0[]->NXM_NX_REG1[]",
    "move:NXM_NX_REG0[]->NXM_NX_REG1[]",
  ],
  [{ type: "push", subfield: reg0 }, "push:NXM_NX_REG0[]", "push:NXM_NX_REG0[]"],
  [{ type: "pop", subfield: { field: "reg0", offset: 3, bits: 1 } }, "pop:NXM_NX_REG0[3]", "pop:NXM_NX_REG0[3]"],
  [
    { type: "setVlanVid", vlan: 5, pushIfNeeded: true },
    "push_vlan:0x8100,set_field:4101->vlan_vid",
    "push_vlan:0x8100,set_field:4101->vlan_vid",
  ],
  [{ type: "setVlanPcp", priority: 5, tagged: true }, "set_field:5->vlan_pcp", "set_field:5->vlan_pcp"],
  [{ type: "popVlan" }, "pop_vlan", "pop_vlan"],
  [{ type: "pushVlan", etherType: 0x88a8 }, "push_vlan:0x88a8", "push_vlan:0x88a8"],
  [{ type: "pushMpls", etherType: 0x8847 }, "push_mpls:0x8847", "push_mpls:0x8847"],
  [{ type: "popMpls", etherType: 0x800 }, "pop_mpls:0x0800", "pop_mpls:0x0800"],
  [
    { type: "modDlSrc", address: "00:11:22:33:44:55" },
    "set_field:00:11:22:33:44:55->eth_src",
    "set_field:00:11:22:33:44:55->eth_src",
  ],
  [
    { type: "modDlDst", address: "00:11:22:33:44:55" },
    "set_field:00:11:22:33:44:55->eth_dst",
    "set_field:00:11:22:33:44:55->eth_dst",
  ],
  [{ type: "modNwSrc", address: "1.2.3.4" }, "set_field:1.2.3.4->ip_src", "set_field:1.2.3.4->ip_src"],
  [{ type: "modNwDst", address: "1.2.3.4" }, "set_field:1.2.3.4->ip_dst", "set_field:1.2.3.4->ip_dst"],
  [{ type: "modNwTos", value: 16 }, "set_field:4->ip_dscp", "set_field:4->ip_dscp"],
  [{ type: "modNwEcn", value: 2 }, "set_field:2->nw_ecn", "set_field:2->nw_ecn"],
  [{ type: "modNwTtl", value: 9 }, "mod_nw_ttl:9", "mod_nw_ttl:9"],
  [{ type: "modTpSrc", port: 80, protocol: 6 }, "set_field:80->tcp_src", "set_field:80->tcp_src"],
  [{ type: "modTpDst", port: 80, protocol: 132 }, "set_field:80->sctp_dst", "set_field:80->sctp_dst"],
  [{ type: "decTtl" }, "dec_ttl", "dec_ttl"],
  [{ type: "decTtl", controllers: [1, 2] }, "dec_ttl(1,2)", "dec_ttl(1,2)"],
  [{ type: "setMplsLabel", value: 5 }, "set_field:5->mpls_label", "set_field:5->mpls_label"],
  [{ type: "setMplsTc", value: 5 }, "set_field:5->mpls_tc", "set_field:5->mpls_tc"],
  [{ type: "setMplsTtl", value: 5 }, "set_mpls_ttl(5)", "set_mpls_ttl(5)"],
  [{ type: "decMplsTtl" }, "dec_mpls_ttl", "dec_mpls_ttl"],
  [{ type: "decNshTtl" }, "dec_nsh_ttl", "dec_nsh_ttl"],
  [{ type: "deleteField", field: "tun_metadata3" }, "delete_field:tun_metadata3", "delete_field:tun_metadata3"],
  [
    {
      type: "encap",
      header: "nsh",
      properties: [
        { type: "mdType", mdType: 1 },
        { type: "tlv", tlvClass: 1, tlvType: 2, value: Uint8Array.of(3) },
      ],
    },
    "encap(nsh(md_type=1,tlv(0x0001,2,0x3)))",
    "encap(nsh(md_type=1,tlv(0x0001,2,0x3)))",
  ],
  [
    { type: "decap", packetType: { namespace: 1, type: 0x800 } },
    "decap(packet_type(ns=1,type=0x800))",
    "decap(packet_type(ns=1,type=0x800))",
  ],
  [{ type: "setTunnel", id: 5n }, "set_field:0x5->tun_id", "set_field:0x5->tun_id"],
  [{ type: "setQueue", queue: 5 }, "set_queue:5", "set_queue:5"],
  [{ type: "popQueue" }, "pop_queue", "pop_queue"],
  [{ type: "finTimeout", idleTimeout: 5 }, "fin_timeout(idle_timeout=5)", "fin_timeout(idle_timeout=5)"],
  [{ type: "resubmit", table: 5 }, "resubmit(,5)", "resubmit(,5)"],
  [
    {
      type: "learn",
      table: 2,
      specs: [
        { type: "matchField", destination: { field: "eth_dst" }, source: { field: "eth_src" } },
        { type: "matchValue", destination: { field: "eth_type" }, value: 0x800 },
        { type: "loadValue", destination: reg0, value: 5 },
        { type: "loadField", destination: reg0, source: { field: "reg1" } },
        { type: "output", source: { field: "in_port" } },
      ],
    },
    "learn(table=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],eth_type=0x800,load:0x5->NXM_NX_REG0[],load:NXM_NX_REG1[]->NXM_NX_REG0[],output:NXM_OF_IN_PORT[])",
    "learn(table=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],eth_type=0x800,load:0x5->NXM_NX_REG0[],load:NXM_NX_REG1[]->NXM_NX_REG0[],output:NXM_OF_IN_PORT[])",
  ],
  [{ type: "conjunction", id: 5, clause: 1, clauses: 2 }, "conjunction(5,1/2)", "conjunction(5,1/2)"],
  [
    { type: "multipath", fields: "eth_src", basis: 50, algorithm: "modulo_n", links: 2, argument: 0, destination: reg0 },
    "multipath(eth_src,50,modulo_n,2,0,NXM_NX_REG0[])",
    "multipath(eth_src,50,modulo_n,2,0,NXM_NX_REG0[])",
  ],
  [{ type: "note", data: Uint8Array.of(1) }, "note:01.00.00.00.00.00", "note:01.00.00.00.00.00"],
  [{ type: "exit" }, "exit", "exit"],
  [
    { type: "sample", probability: 5, direction: "egress" },
    "sample(probability=5,collector_set_id=0,obs_domain_id=0,obs_point_id=0,egress)",
    "sample(probability=5,collector_set_id=0,obs_domain_id=0,obs_point_id=0,egress)",
  ],
  [
    {
      type: "ct",
      commit: true,
      zone: { field: "reg0", bits: 16 },
      alg: "ftp",
      actions: [
        { type: "nat", direction: "src", address: { first: "1.2.3.4" } },
        { type: "setField", field: "ct_mark", value: 1 },
      ],
    },
    "ct(commit,zone=NXM_NX_REG0[0..15],nat(src=1.2.3.4),exec(set_field:0x1->ct_mark),alg=ftp)",
    "ct(commit,zone=NXM_NX_REG0[0..15],nat(src=1.2.3.4),exec(set_field:0x1->ct_mark),alg=ftp)",
  ],
  [{ type: "ctClear" }, "ct_clear", "ct_clear"],
  [{ type: "clone", actions: [{ type: "output", port: 1 }] }, "clone(output:1)", "clone(output:1)"],
  [
    { type: "checkPktLarger", length: 1500, destination: { field: "reg0", offset: 1 } },
    "check_pkt_larger(1500)->NXM_NX_REG0[1]",
    "check_pkt_larger(1500)->NXM_NX_REG0[1]",
  ],
  [{ type: "debugRecirc" }, "debug_recirc", "debug_recirc"],
  [{ type: "debugSlow" }, "debug_slow", "debug_slow"],
  [{ type: "meter", meter: 5 }, "meter:5", "meter:5"],
  [{ type: "clearActions" }, "clear_actions", "clear_actions"],
  [{ type: "writeActions", actions: [{ type: "output", port: 1 }] }, "write_actions(output:1)", "write_actions(output:1)"],
  [{ type: "writeMetadata", value: 5, mask: 0xf }, "write_metadata:0x5/0xf", "write_metadata:0x5/0xf"],
  [{ type: "gotoTable", table: 5 }, "goto_table:5", "goto_table:5"],
];

describe("each action", () => {
  test.each(EACH.map((row) => [row[0].type, ...row] as const))("%s", (_, action, in13, in15) => {
    const instructions = Instructions.ofActions([action]);
    expect(formatInstructions(instructions, "OpenFlow13")).toBe(in13);
    expect(formatInstructions(instructions, "OpenFlow15")).toBe(in15);
    expect(Instructions.ofActions(instructions.actions).equals(instructions)).toBe(true);
    expect(JSON.parse(JSON.stringify(instructions))).toHaveLength(1);
  });

  test("none is missing", () => {
    const nested: ActionType[] = ["nat"];
    const tested = new Set<string>([...EACH.map(([action]) => action.type), ...nested]);
    const { actions_and_instructions: known } = JSON.parse(
      gunzipSync(readFileSync(new URL("../vectors/actions.json.gz", import.meta.url))).toString("utf8"),
    ) as { actions_and_instructions: readonly { text_name: string }[] };
    expect(known).toHaveLength(59);
    // `unroll_xlate` never leaves a switch; `load` is a way of set_field there and an action of its own here.
    expect(tested.size).toBe(known.filter(({ text_name }) => text_name !== "unroll_xlate").length + 1);
  });
});

interface Example {
  readonly text: string;
  readonly hex: string;
  readonly printed: string;
}

test("the example bytes of every action in four versions, both ways", () => {
  const { actions_and_instructions: known } = JSON.parse(
    gunzipSync(readFileSync(new URL("../vectors/actions.json.gz", import.meta.url))).toString("utf8"),
  ) as {
    actions_and_instructions: readonly {
      text_name: string;
      examples: Readonly<Partial<Record<OpenFlowVersion, Partial<Example>>>>;
    }[];
  };
  let compared = 0;
  for (const { examples } of known) {
    for (const [version, { text, hex, printed }] of Object.entries(examples) as [OpenFlowVersion, Partial<Example>][]) {
      if (text === undefined || hex === undefined) continue;
      const flow = parseFlow(text, { compat: "ovs", version });
      const w = new ByteWriter();
      encodeInstructions(flow.instructions, wireVersionOf(version), w);
      expect(toHex(w.finish()), `${version} ${text}`).toBe(hex);
      compared++;
      if (printed === undefined || !printed.startsWith("actions=")) continue;
      const bytes = fromHex(hex) as Uint8Array;
      const back = decodeInstructions(bytes, 0, bytes.length, wireVersionOf(version), matchFactsOf(flow.match));
      expect(`actions=${formatInstructions(back, version)}`, `${version} ${text}`).toBe(printed);
    }
  }
  expect(compared).toBeGreaterThan(200);
});

describe("instructions in parts", () => {
  test("come out in the order of execution", () => {
    const instructions = Instructions.of({
      goto: 7,
      metadata: { value: 1n },
      write: [make.output(2)],
      clear: true,
      apply: [make.load(5, "reg0"), make.output("LOCAL")],
      meter: 3,
    });
    expect(formatInstructions(instructions, "OpenFlow13")).toBe(
      "meter:3,load:0x5->NXM_NX_REG0[],LOCAL,clear_actions,write_actions(output:2),write_metadata:0x1,goto_table:7",
    );
    expect(instructions.actions.map(({ type }) => type)).toEqual([
      "meter",
      "load",
      "output",
      "clearActions",
      "writeActions",
      "writeMetadata",
      "gotoTable",
    ]);
  });

  test("nothing is drop, and an empty set of actions is nothing", () => {
    expect(Instructions.of({})).toBe(Instructions.drop);
    expect(Instructions.of({ apply: [], write: [] })).toBe(Instructions.drop);
    expect(formatInstructions(Instructions.drop, "OpenFlow13")).toBe("drop");
  });

  test("make", () => {
    const instructions = Instructions.of({
      apply: [
        make.ct({ commit: true, nat: true, exec: [make.setField("ct_mark", 1)] }),
        make.move("reg0", { field: "reg1" }),
        make.resubmit(5, 1),
      ],
      goto: 9,
    });
    expect(formatInstructions(instructions, "OpenFlow15")).toBe(
      "ct(commit,nat,exec(set_field:0x1->ct_mark)),move:NXM_NX_REG0[]->NXM_NX_REG1[],resubmit(1,5),goto_table:9",
    );
    expect(make.gotoTable(9)).toEqual({ type: "gotoTable", table: 9 });
  });
});

describe("faults name their place", () => {
  const FAULTS: readonly (readonly [path: string, actions: unknown])[] = [
    ["apply[0].port", [{ type: "output", port: -1 }]],
    [
      "apply[1].group",
      [
        { type: "output", port: 1 },
        { type: "group", group: 2 ** 40 },
      ],
    ],
    ["apply[0].type", [{ type: "outptu", port: 1 }]],
    ["apply[0].type", [null]],
    ["apply[0].field", [{ type: "setField", field: "reg99", value: 1 }]],
    ["apply[0].value", [{ type: "setField", field: "reg0", value: 2 ** 33 }]],
    ["apply[0].value", [{ type: "setField", field: "eth_src", value: "00:11" }]],
    ["apply[0].value", [{ type: "load", destination: { field: "reg0", bits: 4 }, value: 16 }]],
    ["apply[0].destination.bits", [{ type: "load", destination: { field: "reg0", bits: 33 }, value: 1 }]],
    [
      "apply[0].actions[1].clauses",
      [{ type: "clone", actions: [{ type: "exit" }, { type: "conjunction", id: 1, clause: 1, clauses: 1 }] }],
    ],
    [
      "apply[0].specs[0].destination.field",
      [{ type: "learn", specs: [{ type: "matchValue", destination: { field: "x" }, value: 1 }] }],
    ],
    ["apply[0].members[1]", [{ type: "bundle", fields: "eth_src", basis: 0, algorithm: "hrw", members: [1, "FOO"] }]],
    ["apply[0]", [{ type: "setField", field: "eth_type", value: 1 }]],
    ["apply[0]", [{ type: "setField", field: "ct_mark", value: 1 }]],
    ["apply[0]", [{ type: "pushMpls", etherType: 0x800 }]],
    [
      "apply[1]",
      [
        { type: "conjunction", id: 1, clause: 1, clauses: 2 },
        { type: "output", port: 1 },
      ],
    ],
    ["apply[0]", [{ type: "nat" }]],
  ];
  test.each(FAULTS)("%s", (path, actions) => {
    const error = fault(() => Instructions.of({ apply: actions as Action[] }));
    expect(error.code).toBe("ACTION_INVALID");
    expect(error.place.field).toBe(path);
  });

  test("and what a switch would answer", () => {
    expect(fault(() => Instructions.ofActions([{ type: "pushMpls", etherType: 0x800 }])).openflowError).toBe(
      "OFPBAC_BAD_ARGUMENT",
    );
    expect(
      fault(() =>
        Instructions.ofActions([
          { type: "gotoTable", table: 1 },
          { type: "output", port: 1 },
        ]),
      ).openflowError,
    ).toBe("OFPBAC_UNSUPPORTED_ORDER");
    const mismatch = fault(() => Instructions.of({ apply: [{ type: "decTtl" }] }, noFacts()));
    expect([mismatch.code, mismatch.openflowError, mismatch.place.field]).toEqual([
      "ACTION_MATCH",
      "OFPBAC_MATCH_INCONSISTENT",
      "apply[0]",
    ]);
    expect(mismatch.hint).toMatch(/ip or ipv6/);
  });
});
