import { describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { Flow } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { MAX_FLOW_BYTES } from "../../src/table/flow-list.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { ovnClasses } from "../../src/table/policy.ts";
import { ALL_APPLIED, apply, conjunction, drop, flowOf, output, put } from "./flows.ts";

// What OVN's ofctrl does or ought to do, told as stories. Owners are named in the order of their UUIDs; `put` brings the switch up
// to date and returns what went out. Where OVN's answer is a known weakness the better one is asked for.

const U1 = "10000000-0000-4000-8000-000000000001";
const U2 = "20000000-0000-4000-8000-000000000002";
const U3 = "30000000-0000-4000-8000-000000000003";
const K = 1;
const A1 = output(1);
const A2 = output(2);

function start(): DesiredFlowTable {
  return new DesiredFlowTable({ policy: ovnClasses });
}

/** The flow-mods of a put in short: command, cookie, and a name for the instructions. */
function sent(table: DesiredFlowTable): string[] {
  return put(table).map(({ command, flow }) =>
    command === "delete" ? "delete" : `${command} ${nameOf(flow.instructions)} c${flow.cookie}`,
  );
}

function nameOf(instructions: Instructions): string {
  if (instructions.equals(A1)) return "A1";
  if (instructions.equals(A2)) return "A2";
  if (instructions.equals(drop)) return "drop";
  const { bytes } = instructions;
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; at += 16) ids.push(new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(12));
  return `conj${JSON.stringify(ids)}`;
}

/** A full recompute that says the same again, in the given order. */
function recompute(table: DesiredFlowTable, reversed = false): void {
  const entries = [...table];
  table.replaceAll(reversed ? entries.reverse() : entries);
}

describe("the basic diff", () => {
  it("S1 a flow that is added goes out as one add", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    expect(sent(table)).toEqual(["add A1 c1"]);
  });

  it("S2 a second owner of the same flow changes nothing", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.addFlow(U2, flowOf(K, A1, { cookie: 2 }));
    expect(sent(table)).toEqual([]);
    expect(table.contenders(flowOf(K, A1)).map(({ owner }) => owner)).toEqual([U1, U2]);
  });

  it("S3, S4 the other owner takes over with its cookie; when it goes too, the flow goes", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    table.addFlow(U2, flowOf(K, A1, { cookie: 2 }));
    expect(sent(table)).toEqual(["add A1 c1"]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["add A1 c2"]);
    table.removeFlows(U2);
    expect(sent(table)).toEqual(["delete"]);
    expect(table.installed.size).toBe(0);
  });

  it("S5 an owner that gives a key again is told so, and can replace on purpose", () => {
    const table = start();
    const events: string[] = [];
    table.subscribe((event) => events.push(event.type));
    expect(table.addFlow(U1, flowOf(K, A1, { cookie: 1 }))).toBe("added");
    put(table);
    expect(table.addFlow(U1, flowOf(K, A2, { cookie: 1 }))).toBe("duplicate");
    expect(sent(table)).toEqual([]);
    expect(events).toEqual(["changed", "duplicate"]);
    expect(table.setFlow(U1, flowOf(K, A2, { cookie: 1 }))).toBe("replaced");
    expect(sent(table)).toEqual(["modify A2 c1"]);
  });

  it("S6 what comes and goes between two puts never shows", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1));
    table.removeFlows(U1);
    expect(sent(table)).toEqual([]);
  });

  it("S7 removed and added again as it was: nothing", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.removeFlows(U1);
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    expect(sent(table)).toEqual([]);
  });

  it("S8 removed and added again with other actions: one modify, so the counters stay", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.removeFlows(U1);
    table.addFlow(U1, flowOf(K, A2, { cookie: 1 }));
    expect(sent(table)).toEqual(["modify A2 c1"]);
  });

  it("S9 the same for another owner with another cookie: one add over the old flow", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.removeFlows(U1);
    table.addFlow(U2, flowOf(K, A2, { cookie: 2 }));
    expect(sent(table)).toEqual(["add A2 c2"]);
  });

  it("S10 of two owners in one round only the winner goes out", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, drop, { cookie: 1 }));
    table.addFlow(U2, flowOf(K, A1, { cookie: 2 }));
    expect(sent(table)).toEqual(["add A1 c2"]);
  });

  it("S11, S13 a recompute with the same content, or nothing at all, sends nothing", () => {
    const table = start();
    for (let key = 0; key < 50; key++) table.addFlow(key % 2 === 0 ? U1 : U2, flowOf(key, A1, { cookie: key }));
    put(table);
    const { revision } = table;
    recompute(table);
    recompute(table, true);
    expect(table.revision).toBe(revision);
    expect(table.startRound()).toBeUndefined();
  });

  it("S12 a recompute that leaves an owner out deletes its flow", () => {
    const table = start();
    table.addFlow(U1, flowOf(1, A1));
    table.addFlow(U2, flowOf(2, A1));
    put(table);
    table.replaceAll([[U1, flowOf(1, A1)]]);
    expect(sent(table)).toEqual(["delete"]);
  });

  it("S14, S15 groups and meters are no flows: a table without changes has nothing to send", () => {
    expect(start().startRound()).toBeUndefined();
  });
});

describe("winners", () => {
  it("S16 an allow wins against a drop that was there first", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, drop, { cookie: 1 }));
    put(table);
    table.addFlow(U2, flowOf(K, A1, { cookie: 2 }));
    expect(sent(table)).toEqual(["add A1 c2"]);
  });

  it("S17, S18 of two allows the lower UUID wins; each takes over when the one before it goes", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, drop, { cookie: 1 }));
    table.addFlow(U2, flowOf(K, A1, { cookie: 2 }));
    put(table);
    table.addFlow(U3, flowOf(K, A2, { cookie: 3 }));
    expect(sent(table)).toEqual([]);
    expect(table.contenders(flowOf(K, A1)).map(({ owner }) => owner)).toEqual([U2, U3, U1]);
    table.removeFlows(U2);
    expect(sent(table)).toEqual(["add A2 c3"]);
    table.removeFlows(U3);
    expect(sent(table)).toEqual(["add drop c1"]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["delete"]);
  });

  it("S19, S20 a drop behind an allow changes nothing, neither now nor in any recompute", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.addFlow(U2, flowOf(K, drop, { cookie: 2 }));
    expect(sent(table)).toEqual([]);
    for (const reversed of [false, true]) {
      recompute(table, reversed);
      expect(sent(table)).toEqual([]);
    }
  });

  it("S21 two different allows: the winner does not flip in a recompute", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.addFlow(U2, flowOf(K, A2, { cookie: 2 }));
    for (const reversed of [false, true, true, false]) {
      recompute(table, reversed);
      expect(sent(table)).toEqual([]);
    }
    expect(table.winner(flowOf(K, A1))?.cookie).toBe(1n);
  });

  it("S22, S23 a conjunction comes back when the allow before it goes, and changes unseen while it is behind", () => {
    const table = start();
    table.addFlow(U2, flowOf(K, conjunction(1)));
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    expect(sent(table)).toEqual(["add A1 c1"]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["add conj[1] c0"]);
    table.addFlow(U1, flowOf(K, A1, { cookie: 1 }));
    expect(sent(table)).toEqual(["add A1 c1"]);
    table.addFlow(U3, flowOf(K, conjunction(2)));
    expect(sent(table)).toEqual([]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["add conj[1,2] c0"]);
  });

  it("S24 a shadowed owner goes unseen", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1));
    table.addFlow(U2, flowOf(K, A2));
    put(table);
    table.removeFlows(U2);
    expect(table.pendingKeys).toBe(0);
    expect(sent(table)).toEqual([]);
  });

  it("S25 an allow hides the conjunctions of its key through a recompute; the last allow to go restores all of them", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(1)));
    table.addFlow(U2, flowOf(K, conjunction(2)));
    table.addFlow(U3, flowOf(K, A1));
    expect(sent(table)).toEqual(["add A1 c0"]);
    recompute(table, true);
    expect(sent(table)).toEqual([]);
    table.removeFlows(U3);
    expect(sent(table)).toEqual(["modify conj[1,2] c0"]);
    table.addFlow(U3, flowOf(K, conjunction(3)));
    expect(sent(table)).toEqual(["modify conj[1,2,3] c0"]);
  });

  it("S26 a duplicate removed keeps the traffic; allow and drop take turns as they come and go", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1));
    table.addFlow(U2, flowOf(K, A1));
    put(table);
    table.removeFlows(U1);
    expect(sent(table)).toEqual([]);
    table.addFlow(U3, flowOf(K, drop));
    expect(sent(table)).toEqual([]);
    table.removeFlows(U2);
    expect(sent(table)).toEqual(["modify drop c0"]);
    table.addFlow(U2, flowOf(K, A1));
    table.removeFlows(U3);
    expect(sent(table)).toEqual(["modify A1 c0"]);
  });

  it("S27 an owner processed again with fewer flows leaves the others as they are", () => {
    const table = start();
    table.setFlows(
      U1,
      [1, 2, 3].map((key) => flowOf(key, A1)),
    );
    table.setFlows(
      U2,
      [1, 2, 3].map((key) => flowOf(key, drop)),
    );
    put(table);
    table.setFlows(
      U1,
      [1, 2].map((key) => flowOf(key, A1)),
    );
    expect(sent(table)).toEqual(["modify drop c0"]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["modify drop c0", "modify drop c0"]);
  });
});

describe("conjunctions", () => {
  it("S28, S29 clauses of two owners are merged in order; the same again is nothing", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(10)));
    expect(sent(table)).toEqual(["add conj[10] c0"]);
    table.addFlow(U2, flowOf(K, conjunction(5)));
    expect(sent(table)).toEqual(["modify conj[5,10] c0"]);
    expect(table.addFlow(U2, flowOf(K, conjunction(5)))).toBe("unchanged");
    expect(sent(table)).toEqual([]);
  });

  it("S30, S31 what differs besides the key never makes a second slot of it", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(1)));
    table.addFlow(U2, flowOf(K, conjunction(2), { idleTimeout: 7 }));
    expect(sent(table)).toEqual(["add conj[1,2] c0"]);
    recompute(table, true);
    expect(sent(table)).toEqual([]);
    expect(table.keyCount).toBe(1);
  });

  it("S32 an owner takes only its own clause away", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(10)));
    table.addFlow(U2, flowOf(K, conjunction(5)));
    put(table);
    table.removeFlows(U2);
    expect(sent(table)).toEqual(["modify conj[10] c0"]);
  });

  it("S33, S34 no flood is needed: what one owner shares with others stays theirs", () => {
    const table = start();
    for (const [index, owner] of [U1, U2, U3].entries()) table.addFlow(owner, flowOf(1, conjunction(index + 1)));
    table.addFlow(U3, flowOf(2, conjunction(3)));
    table.addFlow(ownerFor("d"), flowOf(2, conjunction(4)));
    put(table);
    table.removeFlows(U1);
    table.addFlow(U1, flowOf(1, conjunction(9)));
    expect(sent(table)).toEqual(["modify conj[2,3,9] c0"]);
  });

  it("S35 sixteen clauses in any order give the same bytes", () => {
    const ids = Array.from({ length: 16 }, (_, i) => i + 1);
    const one = start();
    const two = start();
    for (const id of ids) one.addFlow(ownerFor(`acl ${id}`), flowOf(K, conjunction(id)));
    for (const id of [...ids].reverse()) two.addFlow(ownerFor(`acl ${id}`), flowOf(K, conjunction(id)));
    const [a, b] = [one, two].map((table) => nameOf(table.winner(flowOf(K, drop))?.instructions ?? drop));
    expect(a).toBe(`conj${JSON.stringify(ids)}`);
    expect(b).toBe(a);
    put(one);
    recompute(one, true);
    expect(sent(one)).toEqual([]);
  });

  it("S36, S37 clauses are merged in order and each once", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(5)));
    table.addFlow(U2, flowOf(K, conjunction(7, 3)));
    table.addFlow(U3, flowOf(K, conjunction(3, 5, 7)));
    expect(sent(table)).toEqual(["add conj[3,5,7] c0"]);
  });

  it("S38 two owners processed again in one round end with both clauses", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(1)));
    put(table);
    table.transaction(() => {
      table.addFlow(U2, flowOf(K, conjunction(2)));
      table.removeFlows(U1);
      table.removeFlows(U2);
      table.addFlow(U1, flowOf(K, conjunction(1)));
      table.addFlow(U2, flowOf(K, conjunction(2)));
    });
    expect(sent(table)).toEqual(["modify conj[1,2] c0"]);
  });

  it("S39 hundreds of owners of one key are removed without one being skipped", () => {
    const table = start();
    const owners = Array.from({ length: 300 }, (_, i) => ownerFor(`owner ${i}`));
    for (const [i, owner] of owners.entries()) table.addFlow(owner, flowOf(K, conjunction(i)));
    put(table);
    for (const owner of owners) table.removeFlows(owner);
    expect(sent(table)).toEqual(["delete"]);
    expect(table.ownerCount).toBe(0);
  });

  it("S40 the same flow given twice by one owner is one contribution", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(1)));
    expect(table.addFlow(U1, flowOf(K, conjunction(1)))).toBe("unchanged");
    expect(table.size).toBe(1);
    expect(table.removeFlows(U1)).toBe(1);
  });

  it("S41 a conjunction on the key of a plain allow stays apart from it", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1));
    put(table);
    table.addFlow(U2, flowOf(K, conjunction(1)));
    expect(sent(table)).toEqual([]);
    expect(table.winner(flowOf(K, A1))?.instructions.equals(A1)).toBe(true);
  });

  it("S42, S43 plain adds whose actions are conjunctions merge like any; removing one leaves the other", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(1), { cookie: 1 }));
    table.addFlow(U2, flowOf(K, conjunction(2), { cookie: 2 }));
    expect(sent(table)).toEqual(["add conj[1,2] c1"]);
    table.removeFlows(U1);
    expect(sent(table)).toEqual(["add conj[2] c2"]);
  });

  it("S44 the clauses keep their ids through a recompute", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, conjunction(70)));
    table.addFlow(U2, flowOf(K, conjunction(30)));
    put(table);
    recompute(table, true);
    expect(sent(table)).toEqual([]);
  });
});

describe("flows of address sets", () => {
  const set = (...addresses: number[]): Flow[] => addresses.map((address) => flowOf(address, A1));

  it("S45, S48, S49 a set that shrinks, grows or is made anew sends its difference only", () => {
    const table = start();
    table.setFlows(U1, set(1, 2, 3));
    put(table);
    expect(table.setFlows(U1, set(1, 2))).toMatchObject({ removed: 1, unchanged: 2 });
    expect(sent(table)).toEqual(["delete"]);
    table.removeFlows(U1);
    table.setFlows(U1, set(2, 4));
    expect(sent(table)).toEqual(["add A1 c0", "delete"]);
    table.setFlows(U1, []);
    expect(sent(table)).toEqual(["delete", "delete"]);
  });

  it("S46 an address that two owners share stays as long as one of them has it", () => {
    const table = start();
    table.setFlows(U1, set(1, 2));
    table.setFlows(U2, set(2, 3));
    put(table);
    expect(table.removeFlow(U1, flowOf(2, A1))).toBe(true);
    expect(sent(table)).toEqual([]);
    expect(table.removeFlow(U2, flowOf(2, A1))).toBe(true);
    expect(sent(table)).toEqual(["delete"]);
  });

  it("S47 removing what is not there says so and changes nothing", () => {
    const table = start();
    table.setFlows(U1, set(1));
    const { revision } = table;
    expect(table.removeFlow(U1, flowOf(9, A1))).toBe(false);
    expect(table.removeFlow(U2, flowOf(1, A1))).toBe(false);
    expect(table.revision).toBe(revision);
  });

  it("S50 adding one by one and a recompute give the same flows", () => {
    const table = start();
    for (const flow of set(1, 2, 3, 4, 5)) table.addFlow(U1, flow);
    const before = [...table.winners()].map((flow) => flow.match.bytes);
    recompute(table, true);
    expect([...table.winners()].map((flow) => flow.match.bytes)).toEqual(before);
  });
});

describe("cookies, encoding, keys", () => {
  it("S51, S52 another cookie and nothing else is one add; the same cookie is nothing", () => {
    const table = start();
    table.setFlow(U1, flowOf(K, A1, { cookie: 1 }));
    put(table);
    table.setFlow(U1, flowOf(K, A1, { cookie: 0x1_0000_0001n }));
    expect(sent(table)).toEqual(["add A1 c4294967297"]);
    recompute(table);
    expect(sent(table)).toEqual([]);
  });

  it("S53 a delete is of exactly one key and carries no instructions", () => {
    const table = start();
    table.addFlow(U1, flowOf(K, A1));
    put(table);
    table.removeFlows(U1);
    const [mod] = [...diffTables(table, table.installed)];
    expect(mod?.command).toBe("delete");
    expect(mod?.flow.match.equals(flowOf(K, A1).match)).toBe(true);
  });

  it("S54 what goes out is what is wanted, not what was installed", () => {
    const table = start();
    table.setFlow(U1, flowOf(K, A1));
    put(table);
    table.setFlow(U1, flowOf(K, A2));
    expect(sent(table)).toEqual(["modify A2 c0"]);
  });

  it("S55 one key is one record, however often it is asked for", () => {
    const table = start();
    for (let i = 0; i < 10; i++) {
      table.winner(flowOf(K, A1));
      table.addFlow(ownerFor(`${i}`), flowOf(K, A1));
    }
    expect(table.validate().keys).toBe(1);
  });

  it("S56 of two flows of one owner the first counts, in a list too", () => {
    const table = start();
    const result = table.setFlows(U1, [flowOf(K, A1), flowOf(K, A2), flowOf(K, A1)]);
    expect(result).toMatchObject({ added: 1, duplicates: 1 });
    expect(sent(table)).toEqual(["add A1 c0"]);
  });

  it("S57 a flow that no flow-mod can carry is refused at once and is not believed to be installed", () => {
    const table = start();
    const huge = Instructions.fromCanonical(new Uint8Array(MAX_FLOW_BYTES));
    expect(() => table.addFlow(U1, flowOf(K, huge))).toThrow(expect.objectContaining({ code: "FLOW_TOO_LARGE" }));
    const resubmits = apply(...Array<string>(4000).fill("ffff0010 00002320 000e fff8 05 000000"));
    expect(table.addFlow(U1, flowOf(K, resubmits))).toBe("added");
    expect(put(table)).toHaveLength(1);
    // Nor may a merge grow beyond it: the owner that would make it too large is refused, the others stay.
    const ids = (from: number): number[] => Array.from({ length: 2500 }, (_, i) => from + i);
    table.addFlow(U1, flowOf(2, conjunction(...ids(0))));
    expect(() => table.addFlow(U2, flowOf(2, conjunction(...ids(5000))))).toThrow(
      expect.objectContaining({ code: "FLOW_TOO_LARGE" }),
    );
    expect(table.contenders(flowOf(2, drop)).map(({ owner }) => owner)).toEqual([U1]);
    table.validate();
  });

  it("S58 the size of a batch is bounded by flow-mods and by bytes", () => {
    const table = start();
    for (let key = 0; key < 100; key++) table.addFlow(U1, flowOf(key, A1));
    const round = table.startRound();
    const sizes: number[] = [];
    for (
      let batch = round?.next({ maxFlowMods: 30, maxBytes: 2000 });
      batch;
      batch = round?.next({ maxFlowMods: 30, maxBytes: 2000 })
    ) {
      sizes.push(batch.length);
      round?.settle(batch, ALL_APPLIED);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(30);
    expect(sizes.reduce((a, b) => a + b)).toBe(100);
    expect(sizes[0]).toBeLessThan(30);
  });

  it("S59, S60 keys are told apart by their canonical bytes alone", () => {
    const table = start();
    table.addFlow(U1, new Flow({ ...flowOf(K, A1), priority: 10, table: 1, match: flowOf(K, A1).match, instructions: A1 }));
    table.addFlow(U2, flowOf(K, A1));
    expect(table.keyCount).toBe(1);
    table.addFlow(U2, flowOf(K, A1, { priority: 11 }));
    table.addFlow(U2, flowOf(K, A1, { table: 2 }));
    expect(table.keyCount).toBe(3);
  });
});
