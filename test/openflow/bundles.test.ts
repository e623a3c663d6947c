import { afterEach, describe, expect, it } from "vitest";
import type { FlowModBatch } from "../../src/diff/flow-mod.ts";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import type { OpenFlowTransportOptions } from "../../src/openflow/connection-options.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import type { BundleControl } from "../../src/wire/bundle.ts";
import { encodeMessage } from "../../src/wire/codec.ts";
import type { OpenFlowMessage } from "../../src/wire/messages.ts";
import { type Answer, type FakePeer, FakeSwitch, until } from "./fake-switch.ts";

let fake: FakeSwitch | undefined;
let transport: OpenFlowTransport | undefined;

function peer(): FakePeer {
  if (fake === undefined) throw new Error("no switch");
  return fake.peer;
}

afterEach(async () => {
  await transport?.close();
  await fake?.stop();
});

/** A switch whose behaviour with the second bundle on (the first is the probe) the test decides. */
async function begin(answer: Answer, options: OpenFlowTransportOptions = {}, version = 6): Promise<OpenFlowTransport> {
  fake = await FakeSwitch.start({
    version,
    answer: (peer, message, bytes) => {
      if (message.type === "bundleControl" && message.bundleId === 1) return false;
      return answer(peer, message, bytes);
    },
  });
  const made = connectSwitch(fake.address, options);
  transport = made;
  made.open();
  await until(() => made.isUp, "up");
  return made;
}

const three = batchOf([1, 2, 3].map((n) => ({ command: "add", flow: numberedFlow(n) }) as const));
const isControl = (message: OpenFlowMessage, control: string): message is BundleControl =>
  message.type === "bundleControl" && message.control === control;
const controls = (peer: FakePeer): unknown[] =>
  peer.received.flatMap((message) => (message.type === "bundleControl" && message.bundleId !== 1 ? [message.control] : []));

describe("an atomic batch", () => {
  it("goes out as one ordered atomic bundle, each message with its own xid, and is committed after a barrier", async () => {
    const made = await begin(() => false);
    const result = await made.send(three, { atomic: true });
    expect(result).toMatchObject({ epoch: 1, fate: "applied" });
    expect(result.refused.size + result.unknown.size).toBe(0);
    const mine = peer().received.slice(
      peer().received.findIndex((message) => isControl(message, "openRequest") && message.bundleId === 2),
    );
    expect(mine.map((message) => message.type)).toEqual([
      ...["bundleControl", "bundleAdd", "bundleAdd", "bundleAdd", "barrierRequest", "bundleControl"],
    ]);
    for (const message of mine) {
      if (message.type === "bundleAdd" || message.type === "bundleControl")
        expect(message).toMatchObject({ bundleId: 2, flags: 3 });
    }
    expect(new Set(mine.map((message) => message.xid)).size).toBe(mine.length);
    expect(result.bytes).toBeGreaterThan(3 * 72);
  });

  it("is discarded, never committed, when a message of it is refused while it is added", async () => {
    let added = 0;
    const made = await begin((peer, message) => {
      if (message.type === "bundleAdd" && ++added === 2) peer.error("OFPBAC_BAD_TYPE", message.xid);
      return false;
    });
    const result = await made.send(three, { atomic: true });
    expect(controls(peer())).toEqual(["openRequest", "discardRequest"]);
    expect([...result.refused].map(([index, error]) => [index, error.name]).sort()).toEqual([
      [0, "BATCH_OFPBAC_BAD_TYPE"],
      [1, "OFPBAC_BAD_TYPE"],
      [2, "BATCH_OFPBAC_BAD_TYPE"],
    ]);
  });

  it("names the culprit when the commit fails", async () => {
    const xids: number[] = [];
    const made = await begin((peer, message) => {
      if (message.type === "bundleAdd") xids.push(message.xid);
      if (!isControl(message, "commitRequest")) return false;
      peer.error("OFPFMFC_TABLE_FULL", xids[2] as number);
      peer.error("OFPBFC_MSG_FAILED", message.xid);
      return true;
    });
    const result = await made.send(three, { atomic: true });
    expect(result.refused.get(2)?.name).toBe("OFPFMFC_TABLE_FULL");
    expect(result.refused.get(0)?.name).toBe("BATCH_OFPFMFC_TABLE_FULL");
    expect(result.refused.size).toBe(3);
    // The next one is a bundle of its own.
    expect((await made.send(batchOf([]), { atomic: true })).fate).toBe("applied");
  });

  it("fails as a whole when the bundle times out before the commit, although the switch would answer a commit", async () => {
    let openXid = 0;
    const made = await begin((peer, message) => {
      if (isControl(message, "openRequest")) openXid = message.xid;
      if (message.type === "barrierRequest") peer.error("OFPBFC_TIMEOUT", openXid);
      return false;
    });
    const result = await made.send(three, { atomic: true });
    expect(controls(peer())).toEqual(["openRequest", "discardRequest"]);
    expect(result.refused.get(0)?.name).toBe("BATCH_OFPBFC_TIMEOUT");
    expect(result.refused.size).toBe(3);
  });

  it("is unknown when the bundle timed out and yet the commit was answered", async () => {
    let openXid = 0;
    const made = await begin((peer, message) => {
      if (isControl(message, "openRequest")) openXid = message.xid;
      if (isControl(message, "commitRequest")) peer.error("OFPBFC_TIMEOUT", openXid);
      return false;
    });
    const result = await made.send(three, { atomic: true });
    expect(controls(peer())).toEqual(["openRequest", "commitRequest"]);
    expect(result).toMatchObject({ fate: "unknown" });
    expect(result.refused.size).toBe(0);
  });

  it("is discarded when OPEN is refused, or is not answered at all", async () => {
    let mode: "refuse" | "ignore" = "refuse";
    const made = await begin((peer, message) => {
      if (!isControl(message, "openRequest")) return false;
      if (mode === "refuse") peer.error("OFPBFC_OUT_OF_BUNDLES", message.xid);
      return true;
    });
    const refused = await made.send(three, { atomic: true });
    expect(refused.refused.get(1)?.name).toBe("BATCH_OFPBFC_OUT_OF_BUNDLES");
    mode = "ignore";
    const ignored = await made.send(three, { atomic: true });
    expect(ignored.refused.size).toBe(3);
    expect(controls(peer())).toEqual(["openRequest", "discardRequest", "openRequest", "discardRequest"]);
  });

  it("is unknown when the connection goes between commit and answer", async () => {
    const made = await begin((peer, message) => {
      if (!isControl(message, "commitRequest")) return false;
      peer.socket.destroy();
      return true;
    });
    expect(await made.send(three, { atomic: true })).toMatchObject({ epoch: 1, fate: "unknown" });
  });

  it("is refused whole, and nothing is sent, when this version cannot carry one flow-mod", async () => {
    const made = await begin(() => false);
    // 4,092 outputs are 65,480 bytes: they fit into an instruction, but with all around them not into a message.
    const bytes = new Uint8Array(8 + 4092 * 16);
    bytes.set([0, 4, bytes.length >> 8, bytes.length & 0xff]);
    for (let at = 8; at < bytes.length; at += 16) bytes.set([0, 0, 0, 16, 0, 0, 0, 1], at);
    const good = batchOf([1, 2].map((n) => ({ command: "add", flow: numberedFlow(n) }) as const));
    const batch: FlowModBatch = {
      length: 2,
      counts: good.counts,
      at: (index) => good.at(index),
      read(index, into) {
        good.read(index, into);
        if (index === 1)
          Object.assign(into, { instructionsBuffer: bytes, instructionsStart: 0, instructionsLength: bytes.length });
      },
      [Symbol.iterator]: () => good[Symbol.iterator](),
    };
    const result = await made.send(batch, { atomic: true });
    expect(result.refused.get(1)?.name).toBe("OFPBRC_BAD_LEN");
    expect(result.refused.size).toBe(2);
    expect(result.refused.get(0)?.name).toMatch(/^BATCH_/);
    expect(result.bytes).toBe(0);
    expect(controls(peer())).toEqual([]);
  });

  it("beyond its bounds is a typed error, and nothing is sent", async () => {
    const made = await begin(() => false, { maxBundleMessages: 2 });
    await expect(made.send(three, { atomic: true })).rejects.toMatchObject({ code: "BUNDLE_TOO_LARGE" });
    await expect(made.send(batchOf([...three].slice(0, 2)), { atomic: true, clearFirst: {} })).rejects.toMatchObject({
      code: "BUNDLE_TOO_LARGE",
    });
    expect((await made.send(three)).fate).toBe("applied");
    await made.close();
    await fake?.stop();
    const bytes = await begin(() => false, { maxBundleBytes: 200 });
    await expect(bytes.send(three, { atomic: true })).rejects.toMatchObject({ code: "BUNDLE_TOO_LARGE" });
    expect(controls(peer())).toEqual([]);
  });

  it("clears first inside the same bundle", async () => {
    const made = await begin(() => false);
    await made.send(three, { atomic: true, clearFirst: { table: 7, cookie: 0x1ffn, cookieMask: 0xffn } });
    const adds = peer().received.filter((message) => message.type === "bundleAdd");
    expect(adds.length).toBe(4);
    const view = new DataView(adds[0]?.message.buffer as ArrayBuffer, adds[0]?.message.byteOffset);
    expect([view.getUint8(1), view.getUint8(24), view.getUint8(25), view.getBigUint64(8), view.getBigUint64(16)]).toEqual([
      14,
      7,
      3,
      0xffn,
      0xffn,
    ]);
  });

  it("is filled while those before it are still open, and committed after them", async () => {
    const held: number[] = [];
    const made = await begin((_, message) => {
      if (message.type === "barrierRequest") held.push(message.xid);
      return message.type === "barrierRequest";
    });
    const sends = [1, 2, 3, 4, 5].map(() => made.send(three, { atomic: true }));
    const last = made.send(three);
    await until(() => held.length === 4, "four open bundles");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(controls(peer())).toEqual(["openRequest", "openRequest", "openRequest", "openRequest"]);
    // All four answers come in one piece.
    const answers = held.splice(0).map((xid) => encodeMessage({ type: "barrierReply" }, { version: 6, xid }));
    peer().raw(Uint8Array.from(answers.flatMap((answer) => [...answer])));
    await until(() => held.length === 1, "the fifth");
    peer().send({ type: "barrierReply" }, held.splice(0)[0]);
    for (const result of await Promise.all(sends)) expect(result.fate).toBe("applied");
    const commits = peer().received.flatMap((message) => (isControl(message, "commitRequest") ? [message.bundleId] : []));
    expect(commits).toEqual([2, 3, 4, 5, 6]);
    // The plain batch waited for all of them.
    await until(() => held.length === 1, "the plain batch");
    expect(peer().types().lastIndexOf("bundleControl")).toBeLessThan(peer().types().indexOf("flowMod"));
    peer().send({ type: "barrierReply" }, held[0]);
    expect((await last).fate).toBe("applied");
  });

  it("of one flow-mod needs no bundle", async () => {
    const made = await begin((to, message) => {
      if (message.type === "flowMod") to.error("OFPFMFC_TABLE_FULL", message.xid);
      return false;
    });
    const result = await made.send(batchOf([{ command: "add", flow: numberedFlow(1) }]), { atomic: true });
    expect([...result.refused.values()]).toEqual([{ name: "OFPFMFC_TABLE_FULL", type: 5, code: 1 }]);
    expect(controls(peer())).toEqual([]);
  });

  it("keeps the order of calls among plain batches", async () => {
    const made = await begin(() => false);
    await Promise.all([made.send(three), made.send(three, { atomic: true }), made.send(three)]);
    const types = peer()
      .types()
      .filter((type) => /flowMod|bundleAdd|unknown/.test(type));
    expect(types.length).toBe(9);
    expect(types.slice(3, 6)).toEqual(["bundleAdd", "bundleAdd", "bundleAdd"]);
  });
});

describe("a switch without bundles", () => {
  it("refuses atomic batches, and is not asked again", async () => {
    fake = await FakeSwitch.start({
      version: 4,
      answer: (peer, message) => {
        if (message.type !== "bundleControl") return false;
        peer.error("OFPBRC_BAD_EXPERIMENTER", message.xid);
        return true;
      },
    });
    transport = connectSwitch(fake.address);
    const made = transport;
    made.open();
    await until(() => made.isUp, "up");
    expect(made.capabilities.atomic).toBe(false);
    await expect(made.send(three, { atomic: true })).rejects.toMatchObject({ code: "TRANSPORT_UNSUPPORTED" });
  });
});
