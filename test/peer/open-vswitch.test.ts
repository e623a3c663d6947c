import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

describePeer("the Open vSwitch of the tests", () => {
  let peer: OpenVSwitch;
  beforeAll(async () => {
    peer = await OpenVSwitch.start({ ports: ["p1", "p2"] });
  });
  afterAll(() => peer.stop());

  it("takes flows and loses them when it is killed", async () => {
    const before = await peer.receivedMessages();
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "table=3,priority=7,ip,actions=output:1");
    expect(await peer.dumpFlows()).toEqual(["table=3, priority=7,ip actions=output:1"]);
    expect(await peer.receivedMessages()).toBeGreaterThan(before);
    await peer.restartDaemon();
    expect(await peer.dumpFlows()).toEqual([]);
  });

  it("answers nothing while it is paused", async () => {
    peer.pause();
    await expect(peer.ofctl("--timeout=1", "-O", "OpenFlow15", "dump-flows", peer.socketPath)).rejects.toThrow();
    peer.resume();
    await peer.waitUntilAnswering();
  });

  it("refuses flows beyond the limit of a table", async () => {
    await peer.limitTable(5, 1);
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "table=5,priority=1,actions=drop");
    await expect(peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "table=5,priority=2,actions=drop")).rejects.toThrow(
      /TABLE_FULL/,
    );
    await peer.limitTable(5, undefined);
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "table=5,priority=2,actions=drop");
  });

  it("leaves nothing behind", async () => {
    const other = await OpenVSwitch.start();
    const { folder, pid } = other;
    await other.stop();
    expect(existsSync(folder)).toBe(false);
    expect(() => process.kill(pid as number, 0)).toThrow();
  });
});
