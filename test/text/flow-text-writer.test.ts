import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import { Flow } from "../../src/flow/flow.ts";
import type { PackedFlow } from "../../src/flow/packed-flow.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import { createFlowModView } from "../../src/table/flow-mod.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { FlowTextWriter } from "../../src/text/flow-text-writer.ts";
import { formatDiffFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";
import { runs, seeds } from "../seed.ts";

const vectors = new URL("../vectors/", import.meta.url);

function load(path: string): string {
  const bytes = readFileSync(new URL(path, vectors));
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

const writer = new FlowTextWriter();

/** The flow somewhere inside larger buffers, as a list holds it. */
function packed(flow: Flow): PackedFlow {
  const list = FlowList.of([new Flow({ cookie: 7 }), flow]);
  const view = createFlowModView();
  list.read(1, view);
  return view;
}

function written(flow: Flow): string {
  writer.clear();
  writer.writeDiffFlow(packed(flow));
  return new TextDecoder().decode(writer.bytes);
}

describe("FlowTextWriter", () => {
  it.each(["ovn-1k/installed.txt", "ovn-20k/desired.txt.gz", "ovn-real-6k/desired.OpenFlow15.txt.gz"])(
    "writes what formatDiffFlow prints: %s",
    (path) => {
      const differences: string[] = [];
      for (const line of parseFlows(load(`flowsets/${path}`), { compat: "ovs", keepGoing: true })) {
        if (!line.ok) continue;
        const { flow } = line;
        const text = written(flow);
        if (text !== formatDiffFlow(flow)) differences.push(`${text}\n${formatDiffFlow(flow)}`);
      }
      expect(differences.slice(0, 3)).toEqual([]);
    },
  );

  it("the text vectors, good ones", () => {
    let count = 0;
    const differences: string[] = [];
    for (const line of ["match-text.jsonl.gz", "actions-text.jsonl.gz"].flatMap((path) => load(path).split("\n"))) {
      if (line === "") continue;
      const { flow_text, text } = JSON.parse(line) as { flow_text?: string; text: string };
      let flow: Flow;
      try {
        flow = parseFlow(flow_text ?? text, { compat: "ovs" });
      } catch (error) {
        if (!isOfsyncError(error)) throw error;
        continue;
      }
      count++;
      const own = written(flow);
      if (own !== formatDiffFlow(flow)) differences.push(`${own}\n${formatDiffFlow(flow)}`);
    }
    expect(count).toBeGreaterThan(500);
    expect(differences.slice(0, 3)).toEqual([]);
  });

  it.each([
    "actions=drop",
    "priority=0,ip actions=1",
    "cookie=0x123456789abcdef0,table=254,priority=65535,tcp6,ipv6_src=::1.2.3.4,ipv6_dst=ffff::/17 actions=output:1",
    "cookie=0x100000000,idle_timeout=1,hard_timeout=65535,importance=9,udp,tp_src=0/0x8000 actions=resubmit(,1)",
    "xreg0=0,xreg1=0xffffffff00000000,xreg2=1/1,xreg3=0x100000001/0x100000001 actions=set_field:0->xxreg0,set_field:1/1->metadata",
    "ct_state=-trk,ct_label=0/1 actions=set_field:ff:ff:ff:ff:ff:ff->eth_dst,set_field:0:0:0:0:0:1/0:0:0:0:0:1->eth_src",
    "ip,nw_proto=6,nw_dst=1.0.0.0/255.0.255.0,nw_tos=252,nw_ecn=1 actions=set_field:1.2.0.0/255.255.0.0->ip_dst",
    "ip,nw_proto=255,nw_frag=first,nw_ttl=0 actions=set_field:0/0xffffffff->reg0,load:1->NXM_NX_REG1[]",
    "in_port=LOCAL,dl_vlan=4095 actions=normal",
    "dl_type=0x88cc,vlan_tci=0x1000/0x1000 actions=clear_actions,write_actions(output:1),goto_table:9",
    "arp,arp_op=2,arp_sha=00:00:00:00:00:01 actions=conjunction(7,1/2)",
    "sctp,tp_dst=0xff00/0xff00 actions=exit",
    "icmp,icmp_type=255,icmp_code=0 actions=ct(commit,nat(src=10.0.0.1),exec(set_field:1->ct_mark))",
  ])("%s", (text) => {
    const flow = parseFlow(text, { compat: "ovs" });
    expect(written(flow)).toBe(formatDiffFlow(flow));
  });

  it("addresses and ports inside ct", () => {
    const nats = [
      ...["src", "src=10.0.0.1", "dst=1.1.1.1", "dst=1.1.1.1:1", "dst=10.0.0.1:80", "dst=10.0.0.2:65535", "src=1.1.1.1:11"],
      ...["src=10.0.0.1-10.0.0.9", "dst=10.0.0.1:1-9", "dst=[fd00::1]:80", "src=10.0.0.1,random", "src=10.0.0.3,persistent"],
    ];
    const lines = nats.flatMap((nat) => [
      `ip actions=ct(commit,table=22,zone=NXM_NX_REG13[0..15],nat(${nat}),exec(set_field:0x2/0x2->ct_mark))`,
      `ip actions=ct(commit,nat(${nat}),exec(set_field:1.1.1.1->reg0)),resubmit(,3)`,
      `ip actions=ct(commit,exec(move:NXM_NX_REG0[]->NXM_NX_REG1[],set_field:1->ct_mark),nat(${nat}))`,
      `ip actions=ct(nat(${nat}),commit),clone(ct(commit,nat(${nat})))`,
    ]);
    let count = 0;
    for (const line of [...lines, ...lines]) {
      let flow: Flow;
      try {
        flow = parseFlow(line, { compat: "ovs" });
      } catch (error) {
        if (!isOfsyncError(error)) throw error;
        continue;
      }
      count++;
      expect(written(flow)).toBe(formatDiffFlow(flow));
    }
    expect(count).toBeGreaterThan(40);
  });

  it.each(seeds)("any flow (seed %i)", (seed) => {
    fc.assert(
      fc.property(arbitraries(fc, { groups: [1], meters: [2] }).flow, (flow) => written(flow) === formatDiffFlow(flow)),
      { seed, numRuns: runs(300) },
    );
  });

  it("appends, and grows", () => {
    const flow = parseFlow("priority=1,tcp actions=output:1");
    const view = packed(flow);
    writer.clear();
    for (let i = 0; i < 5000; i++) {
      writer.write("+");
      writer.writeDiffFlow(view);
      writer.write("\n");
    }
    expect(new TextDecoder().decode(writer.bytes)).toBe(`+${formatDiffFlow(flow)}\n`.repeat(5000));
    expect(writer.length).toBe(writer.bytes.length);
    writer.clear();
    expect(writer.length).toBe(0);
  });
});
