import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { built, root } from "../package/built.ts";
import { freePort, OpenVSwitch } from "../peer/open-vswitch.ts";
import { describePeer } from "../peer/peer-suite.ts";
import { ofsync, Scratch, sortedLines } from "./run-cli.ts";

const sets = join(root, "test/vectors/flowsets");

describePeer("the command and a real switch", () => {
  const scratch = new Scratch();
  const running: ChildProcess[] = [];
  let peer: OpenVSwitch;
  let address: string;

  beforeAll(async () => {
    peer = await OpenVSwitch.start();
    address = `unix:${peer.socketPath}`;
  });
  afterAll(async () => {
    scratch.remove();
    await peer.stop();
  });
  beforeEach(() => peer.ofctl("-O", "OpenFlow15", "del-flows", peer.socketPath));
  afterEach(() => {
    for (const child of running.splice(0)) child.kill("SIGKILL");
  });

  /** Starts a command that goes on, and collects what it says. */
  function start(...args: string[]): {
    said(): string;
    until(pattern: RegExp): Promise<void>;
    interrupt(): Promise<number | null>;
  } {
    const child = spawn(process.execPath, [built("cli.js"), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    running.push(child);
    let text = "";
    const collect = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    return {
      said: () => text,
      async until(pattern) {
        for (let i = 0; i < 4000 && !pattern.test(text); i++) await new Promise((resolve) => setTimeout(resolve, 25));
        expect(text).toMatch(pattern);
      },
      interrupt() {
        child.kill("SIGINT");
        return closed;
      },
    };
  }

  test.each(["l2-10", "ovn-1k"])("%s: apply, and ovs-ofctl sees no difference; apply again, and nothing is sent", async (set) => {
    await peer.ofctl("-O", "OpenFlow13", "--bundle", "add-flows", peer.socketPath, join(sets, set, "to_install.txt"));
    const desired = join(sets, set, "desired.txt");
    const { wire } = JSON.parse(readFileSync(join(sets, set, "expected.json"), "utf8")) as {
      wire: { replace_flows: { flow_mods: number } };
    };

    const planned = ofsync(["apply", "--dry-run", "--compat", "ovs", address, desired]);
    expect(planned.status).toBe(2);
    expect(sortedLines(planned.stdout)).toHaveLength(wire.replace_flows.flow_mods);

    // ovs-ofctl takes the forms that 1.5 gives some actions for differences, so 1.3 it is.
    const first = ofsync(["apply", "-O", "OpenFlow13", "--compat", "ovs", address, desired]);
    expect(first.status).toBe(0);
    const counts = /sent (\d+) add, (\d+) modify, (\d+) delete/.exec(first.stdout) as RegExpExecArray;
    expect(Number(counts[1]) + Number(counts[2]) + Number(counts[3])).toBe(wire.replace_flows.flow_mods);
    expect(first.stdout).toMatch(/; in step after /);
    expect(await peer.ofctl("-O", "OpenFlow13", "--no-names", "diff-flows", address, desired)).toBe("");

    expect(ofsync(["apply", "-O", "OpenFlow13", "--compat", "ovs", address, desired])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/nothing to do; in step/),
    });
    expect(ofsync(["apply", "-n", "--compat", "ovs", address, desired])).toMatchObject({ status: 0, stdout: "" });
    expect(ofsync(["diff", address, desired])).toMatchObject({ status: 0, stdout: "" });
    expect(ofsync(["diff", desired, address])).toMatchObject({ status: 0, stdout: "" });
  });

  test("dump prints what ovs-ofctl prints", async () => {
    await peer.ofctl("-O", "OpenFlow13", "--bundle", "add-flows", peer.socketPath, join(sets, "ovn-1k", "to_install.txt"));
    for (const version of ["OpenFlow13", "OpenFlow14", "OpenFlow15"]) {
      const { status, stdout } = ofsync(["dump", "-O", version, address]);
      expect(status).toBe(0);
      expect(sortedLines(stdout)).toEqual((await peer.dumpFlows("", version)).sort());
    }
    expect(sortedLines(ofsync(["dump", "--table", "21", address]).stdout)).toEqual((await peer.dumpFlows("table=21")).sort());
    expect(ofsync(["dump", "--stats", "--table", "21", address]).stdout).toMatch(
      /^ ?cookie=0x[0-9a-f]+, duration=[\d.]+s, table=21, n_packets=0, n_bytes=0, /,
    );
  });

  test("dump --names prints the names that the switch has for its ports, as ovs-ofctl does", async () => {
    await peer.addPort("uplink", 1);
    await peer.addPort("vm.2-a", 2);
    try {
      await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "in_port=1,actions=output:2,output:3,LOCAL");
      const want = (await peer.ofctl("-O", "OpenFlow15", "--no-stats", "--names", "dump-flows", peer.socketPath)).trim();
      expect(want).toContain('in_port=uplink actions=output:"vm.2-a",output:3,LOCAL');
      const { status, stdout } = ofsync(["dump", "--names", address]);
      expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: want });
      expect(ofsync(["dump", address]).stdout.trim()).toContain("in_port=1 actions=output:2,output:3,LOCAL");
      // And back: what was printed with names is the same flow.
      const file = scratch.file("names.txt", stdout);
      expect(ofsync(["diff", "--ports", "uplink=1,vm.2-a=2", address, file])).toMatchObject({ status: 0, stdout: "" });
    } finally {
      await peer.vsctl("del-port", "uplink", "--", "del-port", "vm.2-a");
    }
  });

  test("apply without bundles, with an owner's cookie, and with a refused flow", async () => {
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "cookie=0x77,priority=5,ip,actions=drop");
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "cookie=0xca01,priority=6,ip,actions=drop");
    const file = scratch.file("owned.txt", "cookie=0xca02,priority=7,ip,actions=drop\n");
    const owned = ofsync(["apply", "--no-bundle", "--owner-cookie", "0xca00/0xff00", address, file]);
    expect(owned).toMatchObject({ status: 0, stdout: expect.stringMatching(/sent 1 add, 0 modify, 1 delete/) });
    expect((await peer.dumpFlows()).sort()).toEqual([
      "cookie=0x77, priority=5,ip actions=drop",
      "cookie=0xca02, priority=7,ip actions=drop",
    ]);

    const bad = scratch.file("group.txt", "priority=1,ip,actions=group:99\npriority=2,ip,actions=drop\n");
    const refused = ofsync(["apply", address, bad]);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toMatch(/1 refused/);
    expect(refused.stderr).toMatch(/refused: add priority=1,ip: OFPB[A-Z_]+/);
    expect(await peer.dumpFlows()).toEqual(["priority=2,ip actions=drop"]);
  });

  test("a file with a fault never reaches the switch", async () => {
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "priority=5,ip,actions=drop");
    const file = scratch.file("bad.txt", "priority=9,ip,actions=drop\ntp_dst=80,actions=drop\n");
    const { status, stderr } = ofsync(["apply", address, file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/bad\.txt:2:\d+: .*\[FIELD_PREREQUISITE\]/);
    expect(await peer.dumpFlows()).toEqual(["priority=5,ip actions=drop"]);
  });

  test("apply --watch follows the file and repairs the switch, until Ctrl-C", async () => {
    const file = scratch.file("watched.txt", "priority=1,ip,actions=drop\n");
    const command = start("apply", "--watch", address, file);
    await command.until(/keeping .* in step/);
    appendFileSync(file, "priority=2,ip,actions=drop\n");
    await command.until(/watched\.txt changed: 1 flow-mods confirmed/);
    expect((await peer.dumpFlows()).sort()).toEqual(["priority=1,ip actions=drop", "priority=2,ip actions=drop"]);

    await peer.ofctl("-O", "OpenFlow15", "del-flows", peer.socketPath);
    await command.until(/drift: missing priority=1,ip: repaired/);
    await command.until(/drift: missing priority=2,ip: repaired/);
    await expect.poll(() => peer.dumpFlows(), { timeout: 60_000 }).toHaveLength(2);
    writeFileSync(file, "priority=3,ip,actions=drop\nnonsense\n");
    await command.until(/watched\.txt is not taken over/);
    expect((await peer.dumpFlows()).sort()).toEqual(["priority=1,ip actions=drop", "priority=2,ip actions=drop"]);
    expect(await command.interrupt()).toBe(0);
  }, 300_000);

  test("apply --watch sees what was written to the file after it was read and before the switch was in step", async () => {
    const port = await freePort();
    const file = scratch.file("early.txt", "priority=1,ip,actions=drop\n");
    const command = start("apply", "--watch", "--timeout", "200", `ptcp:${port}:127.0.0.1`, file);
    // It waits for the switch once it has read the file.
    await command.until(/waiting for a switch at ptcp:/);
    appendFileSync(file, "priority=2,ip,actions=drop\n");
    await peer.setController(`tcp:127.0.0.1:${port}`);
    await command.until(/early\.txt changed: 1 flow-mods confirmed/);
    expect((await peer.dumpFlows()).sort()).toEqual(["priority=1,ip actions=drop", "priority=2,ip actions=drop"]);
    expect(await command.interrupt()).toBe(0);
    await peer.setController();
  }, 300_000);

  test("Ctrl-C in the middle: every flow is as it was or as it should be, and the next run finishes", async () => {
    const desired = join(sets, "ovn-20k", "desired.txt.gz");
    const wanted = new Set(sortedLines(ofsync(["fmt", "--compat", "ovs", desired]).stdout));
    const command = start("apply", "--compat", "ovs", address, desired);
    for (let i = 0; i < 4000 && (await peer.dumpFlows()).length === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const status = await command.interrupt();
    const held = await peer.dumpFlows();
    expect(held.filter((line) => !wanted.has(line))).toEqual([]);
    if (status !== 0) {
      expect(status).toBe(130);
      expect(command.said()).toMatch(/stopped before the switch was in step/);
    }
    expect(ofsync(["apply", "--compat", "ovs", address, desired]).status).toBe(0);
    expect(ofsync(["diff", address, desired])).toMatchObject({ status: 0, stdout: "" });
  }, 300_000);

  test("watch prints changes as they happen", async () => {
    const command = start("watch", address);
    await command.until(/watching .*Ctrl-C ends/);
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "priority=1,ip,actions=drop");
    await peer.ofctl("-O", "OpenFlow15", "mod-flows", peer.socketPath, "ip,actions=output:1");
    await peer.ofctl("-O", "OpenFlow15", "del-flows", peer.socketPath);
    await command.until(/\+ priority=1,ip actions=drop\n.*~ priority=1,ip actions=output:1\n.*- priority=1,ip/);
    expect(await command.interrupt()).toBe(0);
  });

  test("waits for a switch that calls in", async () => {
    const port = await freePort();
    // Open vSwitch empties its tables when it gets its first controller.
    await peer.setController(`tcp:127.0.0.1:${port}`);
    const command = start("dump", "--timeout", "30", `ptcp:${port}:127.0.0.1`);
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "priority=1,ip,actions=drop");
    await command.until(/waiting for a switch at ptcp:/);
    await command.until(/priority=1,ip actions=drop/);
    await peer.setController();
  });
});
