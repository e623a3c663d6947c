// What ofsync does, on a real OVN deployment's flows and without a switch: npm run demo
//
// The two dumps were taken from one hypervisor of an OVN 23.03 deployment, before and after a change of ports, ACLs, an address
// set, a load balancer and routes (test/vectors/README.md).
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  DesiredFlowTable,
  diffTables,
  type Flow,
  flow,
  formatFlow,
  InstalledFlowTable,
  MemorySwitch,
  ownerFor,
  parseFlows,
  Synchroniser,
} from "ofsync";

const vectors = new URL("../test/vectors/flowsets/ovn-real-6k/", import.meta.url);

function readDump(name: string): Flow[] {
  const text = gunzipSync(readFileSync(new URL(name, vectors))).toString("utf8");
  return [...parseFlows(text)].map((line) => line.flow);
}

function title(text: string): void {
  console.log(`\n${text}\n${"-".repeat(text.length)}`);
}

/** Runs something and says how long it took. */
async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what.padEnd(64)} ${(performance.now() - start).toFixed(1).padStart(8)} ms`);
  return result;
}

function check(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Error(`the demo failed: ${what}`);
  console.log(`✓ ${what}`);
}

// --- 1. a switch with the flows of before ------------------------------------------------------------------------------------

title("A switch holds what OVN had installed");
const before = await timed("read the dump of before", () => readDump("installed.OpenFlow15.txt.gz"));
const after = await timed("read the dump of after", () => readDump("desired.OpenFlow15.txt.gz"));
const sw = new MemorySwitch({ references: "any", connectDelayMs: 0 });
await timed(`put ${before.length} flows into a switch in memory`, () => {
  for (const entry of before) sw.tamper.add(entry);
});
check(`the switch holds ${sw.size} flows`, sw.size === before.length);

// --- 2. what is wanted, by whom -----------------------------------------------------------------------------------------------

title("A desired table says who wants what");
// OVN's cookie is the beginning of the UUID of the row that the flow was made for.
const table = new DesiredFlowTable();
await timed(`give ${after.length} flows to their owners`, () => {
  table.transaction(() => {
    for (const entry of after) table.addFlow(ownerFor(`cookie ${entry.cookie}`), entry);
  });
});
console.log(`${table.size} flows of ${table.ownerCount} owners for ${table.keyCount} keys`);

// --- 3. the difference --------------------------------------------------------------------------------------------------------

title("The difference is what has to be sent, and no more");
const installed = new InstalledFlowTable();
for (const entry of before) installed.set(entry);
const mods = await timed("compare both tables", () => diffTables(table, installed));
console.log(`${mods.length} flow-mods: ${mods.counts.add} add, ${mods.counts.modify} modify, ${mods.counts.delete} delete\n`);

const perTable = new Map<number, { add: number; modify: number; delete: number }>();
for (const { command, flow: changed } of mods) {
  const counts = perTable.get(changed.table) ?? { add: 0, modify: 0, delete: 0 };
  counts[command] += 1;
  perTable.set(changed.table, counts);
}
console.log("table    add  modify  delete");
for (const [number, counts] of [...perTable].sort((a, b) => a[0] - b[0])) {
  const cells = [
    String(number).padStart(5),
    String(counts.add).padStart(7),
    String(counts.modify).padStart(8),
    String(counts.delete).padStart(8),
  ];
  console.log(cells.join(""));
}

// --- 4. bring the switch in step ----------------------------------------------------------------------------------------------

title("A synchroniser brings the switch in step and has it confirmed");
const sync = new Synchroniser({ table, transport: sw });
const report = await timed("connect, read back, compare, send, confirm", async () => {
  sync.start();
  return await sync.settled();
});
const sent = (): number => {
  const { adds, modifies, deletes } = sync.status().counters;
  return adds + modifies + deletes;
};
console.log(`revision ${report.revision} confirmed, ${sent()} flow-mods sent, ${report.refused.length} refused`);
check("it sent exactly the difference", sent() === mods.length);

const held = new InstalledFlowTable();
for (const entry of sw.flows()) held.set(entry.flow);
check(`the switch holds ${sw.size} flows, as many as are wanted`, sw.size === table.keyCount);
check("comparing again finds no difference", diffTables(table, held).length === 0);

// --- 5. two owners of one key --------------------------------------------------------------------------------------------------

title("Two owners want one key");
const names = new Map(["gateway", "firewall"].map((name) => [ownerFor(name), name]));
const [first, second] = [...names.keys()].sort() as [string, string];
const key = flow`table=9,priority=500,ip,nw_dst=192.0.2.1,actions=drop`;
const inSwitch = (): string => {
  const entry = sw.get(key);
  return entry === undefined ? "nothing" : formatFlow(entry.flow);
};

table.addFlow(second, flow`table=9,priority=500,ip,nw_dst=192.0.2.1,actions=resubmit(,10)`);
await sync.settled();
console.log(`one owner:             ${inSwitch()}`);
table.addFlow(first, flow`table=9,priority=500,ip,nw_dst=192.0.2.1,actions=drop`);
await sync.settled();
console.log(`two, lower UUID wins:  ${inSwitch()}`);
console.log(
  table
    .explain(key)
    .contenders.map(({ role, owner }) => `                       ${role.padEnd(8)} ${owner} (${names.get(owner)})`)
    .join("\n"),
);
check("the owner with the lower UUID wins", sw.get(key)?.flow.instructions.bytes.length === 0);

table.removeFlows(first);
await sync.settled();
console.log(`the winner goes:       ${inSwitch()}`);
check("the other one comes back by itself", formatFlow(sw.get(key)?.flow as Flow).endsWith("actions=resubmit(,10)"));

// --- 6. nothing changes, nothing is sent ---------------------------------------------------------------------------------------

title("Saying the same again sends nothing");
const [sentBefore, revision] = [sent(), table.revision];
await timed("set one owner's flows again, unchanged", async () => {
  table.setFlows(second, [flow`table=9,priority=500,ip,nw_dst=192.0.2.1,actions=resubmit(,10)`]);
  await sync.settled();
});
check("no new revision, no flow-mod", table.revision === revision && sent() === sentBefore);

await sync.stop();
console.log();
