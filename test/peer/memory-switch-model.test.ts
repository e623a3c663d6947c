// The in-memory switch against the real one: the same batches of generated flow-mods go to both. They must refuse the same
// flow-mods for the same reasons, and hold the same flows in the end. This also proves that a switch takes what the generators
// make.
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toHex } from "../../src/bytes.ts";
import { flowModBatch } from "../../src/diff/flow-mod-batch.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { Match } from "../../src/flow/match.ts";
import { instructionsMeaning } from "../../src/flow/meaning.ts";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import type { FlowMod } from "../../src/table/flow-mod.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { collectFlows } from "../../src/transport/installed-flow-chunk.ts";
import { MemorySwitch } from "../../src/transport/memory-switch.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { seed } from "../seed.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const GROUPS = [1, 2];
/** Named by flows, but not there. */
const MISSING = 9;

describePeer("the in-memory switch is like a real Open vSwitch", () => {
  let peer: OpenVSwitch;
  beforeAll(async () => {
    peer = await OpenVSwitch.start();
    for (const id of GROUPS)
      await peer.ofctl("-O", "OpenFlow15", "add-group", peer.socketPath, `group_id=${id},type=all,bucket=drop`);
    await peer.limitTable(1, 4);
  });
  afterAll(() => peer.stop());

  const open = async (transport: Transport): Promise<Transport> => {
    const isUp = new Promise<void>((resolve) => transport.subscribe((event) => event.type === "up" && resolve()));
    transport.open();
    await isUp;
    return transport;
  };

  // Everything of a flow; the instructions by meaning, because before OpenFlow 1.5 a switch reports some in other words.
  const show = ({ flow }: { flow: Flow }): string => {
    const { table, priority, cookie, idleTimeout, hardTimeout, importance, flags } = flow;
    const attributes = [table, priority, cookie, idleTimeout, hardTimeout, importance, flags].join();
    return `${attributes} ${toHex(flow.match.bytes)} ${toHex(instructionsMeaning(flow.instructions.bytes))}`;
  };

  it.each(["OpenFlow15", "OpenFlow14", "OpenFlow13"] as const)("%s: refuses the same, holds the same", async (version) => {
    await peer.ofctl("-O", version, "del-flows", peer.socketPath);
    const memory = new MemorySwitch({ capabilities: { importance: version !== "OpenFlow13" } });
    for (const id of GROUPS) memory.addGroup(id);
    memory.limitTable(1, { maxFlows: 4 });
    const real = await open(connectSwitch(`unix:${peer.socketPath}`, { versions: [version] }));
    await open(memory);

    // Timeouts would act at different moments; they have tests of their own.
    const wide = arbitraries(fc, { groups: [...GROUPS, MISSING], timeouts: false });
    const flagged = fc.tuple(wide.flowMod, fc.constantFrom(0, 0, 0, 2, 4)).map(([mod, flag]): FlowMod => {
      return { command: mod.command, flow: mod.flow.with({ flags: mod.flow.flags | flag }) };
    });
    const loose = fc.tuple(wide.fewFlows, fc.constantFrom(Match.any, Match.of({ metadata: "1/1" }), Match.of({ metadata: 2 })));
    const overlapping = loose.map(([flow, match]): FlowMod => ({ command: "add", flow: flow.with({ match, flags: 2 }) }));
    const any = fc.record({ command: fc.constant("add" as const), flow: wide.flow });
    const batches = fc.sample(
      fc.record({ mods: fc.array(fc.oneof(flagged, overlapping, any), { minLength: 1, maxLength: 25 }), atomic: fc.boolean() }),
      { numRuns: 350, seed },
    );
    const met = { refused: new Set<string | undefined>(), flowMods: 0, failedBatches: 0 };
    for (const { mods, atomic } of batches) {
      const batch = flowModBatch(mods);
      const [expected, actual] = [await real.send(batch, { atomic }), await memory.send(batch, { atomic })];
      const errors = (result: typeof actual): (string | undefined)[] => mods.map((_, i) => result.refused.get(i)?.name);
      expect([expected.fate, expected.unknown.size]).toEqual(["applied", 0]);
      const [wanted, got] = [errors(expected), errors(actual)];
      if (wanted.join() !== got.join()) {
        const index = wanted.findIndex((error, i) => error !== got[i]);
        const { command, flow } = mods[index] as FlowMod;
        expect.fail(`flow-mod ${index}, ${command} ${formatFlow(flow)}: switch ${wanted[index]}, in memory ${got[index]}`);
      }
      for (const error of wanted) met.refused.add(error);
      met.flowMods += mods.length;
      if (atomic && expected.refused.size > 0) met.failedBatches++;
    }
    const [held, wanted] = [memory.flows().map(show).sort(), (await collectFlows(real.readFlows())).map(show).sort()];
    expect(held.filter((line) => !wanted.includes(line))).toEqual([]);
    expect(wanted.filter((line) => !held.includes(line))).toEqual([]);
    // What the walk is there for.
    expect(wanted.length).toBeGreaterThan(250);
    expect(met.failedBatches).toBeGreaterThan(20);
    for (const name of ["OFPBAC_BAD_OUT_GROUP", "OFPFMFC_TABLE_FULL", "OFPFMFC_OVERLAP"]) expect(met.refused).toContain(name);
    await real.close();
    await memory.close();
  });
});
