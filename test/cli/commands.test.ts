import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import { encodeMessage } from "../../src/wire/codec.ts";
import type { FlowStats } from "../../src/wire/flow-stats.ts";
import { built } from "../package/built.ts";
import { ofsync, Scratch, sortedLines } from "./run-cli.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const COMMANDS = ["diff", "fmt", "check", "explain", "apply", "dump", "watch", "decode", "encode"];

describe("help and usage", () => {
  test("--help lists every command, and each command teaches itself", () => {
    const overview = ofsync(["--help"]);
    expect(overview.status).toBe(0);
    for (const name of COMMANDS) {
      expect(overview.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
      const help = ofsync([name, "--help"]);
      expect(help).toMatchObject({ status: 0, stderr: "" });
      expect(help.stdout).toContain(`Usage: ofsync ${name}`);
      expect(help.stdout).toContain(`$ ofsync ${name}`);
      expect(help.stdout).toContain("--help");
      expect(ofsync(["help", name]).stdout).toBe(help.stdout);
    }
  });

  test("help lines fit a terminal", () => {
    for (const name of COMMANDS) {
      const long = ofsync([name, "--help"])
        .stdout.split("\n")
        .filter((line) => line.length > 120);
      expect(long).toEqual([]);
    }
  });

  test.each([
    [[], /Usage/],
    [["frobnicate"], /no command "frobnicate"/],
    [["--frobnicate"], /no option "--frobnicate"/],
    [["diff"], /needs two tables.*ofsync diff --help/s],
    [["diff", "a", "b", "c"], /needs two tables/],
    [["diff", "-", "-"], /only one of A and B/],
    [["fmt", "--frobnicate"], /--frobnicate.*ofsync fmt --help/s],
    [["fmt", "-O", "OpenFlow99"], /-O is "OpenFlow99"/],
    [["fmt", "--compat", "maybe"], /--compat is "maybe"/],
    [["explain"], /needs a KEY/],
    [["check", "--owner", "moon"], /--owner is "moon"/],
    [["apply", "br0"], /needs a SWITCH and a FILE/],
    [["apply", "--owner-cookie", "x", "br0", "f"], /--owner-cookie is "x"/],
    [["dump"], /needs one SWITCH/],
    [["dump", "tcp:127.0.0.1:99999"], /ADDRESS_INVALID/],
    [["dump", "--timeout", "0", "br0"], /--timeout is "0"/],
    [["encode", "-O", "OpenFlow10", "actions=drop"], /only OpenFlow13/],
    [["decode", "--hex", "--binary"], /exclude each other/],
  ])("ofsync %s: exit status 1 and one clear line", (args, message) => {
    const { status, stdout, stderr } = ofsync(args);
    expect(status).toBe(1);
    expect(`${stdout}${stderr}`).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("files and switches that are not there", () => {
    for (const args of [
      ["fmt", "/nonexistent/flows"],
      ["diff", "/nonexistent/a", "/nonexistent/b"],
      ["check", scratch.folder],
    ]) {
      const { status, stderr } = ofsync(args);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^ofsync \w+: (ENOENT|\S+ is a directory)/);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    const refused = ofsync(["dump", `unix:${scratch.folder}/no.mgmt`]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).not.toMatch(/^\s+at /m);
  });
});

describe("fmt", () => {
  test("canonical text of a file, of standard input, of a gzipped file", () => {
    const text =
      "# a comment\n\nNXST_FLOW reply (xid=0x4):\n cookie=0x0, duration=1.2s, table=3, n_packets=1, n_bytes=60, tp_dst=80,tcp actions=1,resubmit(,4)\n";
    const expected = { status: 0, stdout: "table=3, tcp,tp_dst=80 actions=output:1,resubmit(,4)\n", stderr: "" };
    expect(ofsync(["fmt", scratch.file("a.txt", text)])).toEqual(expected);
    expect(ofsync(["fmt"], { input: text })).toEqual(expected);
    expect(ofsync(["fmt", "-"], { input: text.replaceAll("\n", "\r\n") })).toEqual(expected);
    expect(ofsync(["fmt", scratch.file("a.txt.gz", gzipSync(text))])).toEqual(expected);
  });

  test("a bad line ends it with place, mark and code; --keep-going does the rest", () => {
    const input = "ip,actions=1\npriority=70000,ip,actions=2\ntcp,actions=3\n";
    const first = ofsync(["fmt"], { input });
    expect(first).toMatchObject({ status: 1, stdout: "ip actions=output:1\n" });
    expect(first.stderr).toMatch(/^standard input:2:\d+: .* \[FLOW_VALUE\]\n {2}priority=70000,ip,actions=2\n +\^/);
    const all = ofsync(["fmt", "--keep-going"], { input });
    expect(all).toMatchObject({ status: 1, stdout: "ip actions=output:1\ntcp actions=output:3\n" });
  });

  test("--json: one result per flow, in order", () => {
    const { status, stdout } = ofsync(["fmt", "--json", "-k"], { input: "# c\nip,actions=1\nnonsense\n\ntcp,actions=3\n" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(status).toBe(1);
    expect(lines).toEqual([
      { line: 2, ok: true, text: "ip actions=output:1" },
      {
        line: 3,
        ok: false,
        code: expect.stringMatching(/^[A-Z_]+$/),
        column: expect.any(Number),
        message: expect.any(String),
        hint: expect.any(String),
      },
      { line: 5, ok: true, text: "tcp actions=output:3" },
    ]);
  });

  test("a flow that the version cannot carry is a bad line like any other", () => {
    const input = "ip,actions=1\nactions=decap()\ntcp,actions=3\n";
    for (const compat of ["strict", "ovs"]) {
      const { status, stdout } = ofsync(["fmt", "-O", "OpenFlow10", "--compat", compat, "--json", "-k"], { input });
      const lines = stdout
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
      expect(status).toBe(1);
      expect(lines).toEqual([
        { line: 1, ok: true, text: "ip actions=output:1" },
        expect.objectContaining({ line: 2, ok: false, code: "WIRE_ACTION", column: 1 }),
        { line: 3, ok: true, text: "tcp actions=output:3" },
      ]);
    }
  });

  test("--compat ovs changes what ovs-ofctl changes, and says so", () => {
    expect(ofsync(["fmt"], { input: "dl_vlan=5000,actions=drop\n" }).status).toBe(1);
    const lenient = ofsync(["fmt", "--compat", "ovs"], { input: "dl_vlan=5000,actions=drop\n" });
    expect(lenient).toMatchObject({ status: 0, stdout: "dl_vlan=904 actions=drop\n" });
    expect(lenient.stderr).toMatch(/standard input:1:\d+: warning: .*\[[A-Z_]+\]/);
  });

  test("its own output is read as the same flow", () => {
    const input =
      "table=9,priority=1,cookie=0x5,idle_timeout=3,importance=7,send_flow_rem,ipv6,ipv6_dst=2001:db8::/32,actions=set_field:5->reg3,2\n";
    const once = ofsync(["fmt"], { input }).stdout;
    expect(ofsync(["fmt"], { input: once }).stdout).toBe(once);
  });
});

describe("diff", () => {
  const a = scratch.file("diff-a.txt", "ip,actions=1\ntable=2,tcp,actions=2\ncookie=1,udp,actions=3\n");
  const b = scratch.file("diff-b.txt", "ip,actions=1\ntable=2,tcp,actions=5\ncookie=2,udp,actions=3\narp,actions=drop\n");

  test("lines as ovs-ofctl diff-flows prints them", () => {
    const { status, stdout } = ofsync(["diff", a, b]);
    expect(status).toBe(2);
    expect(sortedLines(stdout)).toEqual(
      [
        "-udp cookie=0x1 actions=output:3",
        "+udp cookie=0x2 actions=output:3",
        "+arp actions=drop",
        "-table=2 tcp actions=output:2",
        "+table=2 tcp actions=output:5",
      ].sort(),
    );
    expect(ofsync(["diff", a, a])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(ofsync(["diff", "-", b], { input: "ip,actions=1\n" }).status).toBe(2);
  });

  test("a directory is none of the files it reads", () => {
    const { status, stderr } = ofsync(["diff", scratch.folder, b]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: `ofsync diff: ${scratch.folder} is a directory\n` });
  });

  test("a line that is far too long is said to be so", () => {
    const { status, stderr } = ofsync(["diff", "-", b], { input: `ip,actions=1 #${" ".repeat(2 << 20)}x\n` });
    expect(status).toBe(1);
    expect(stderr).toMatch(/standard input:1:.*FLOW_LINE_TOO_LONG/);
  });

  test("the last of two lines with one key counts", () => {
    const twice = scratch.file("twice.txt", "ip,actions=1\nip,actions=2\n");
    const once = scratch.file("once.txt", "ip,actions=2\n");
    expect(ofsync(["diff", twice, once]).status).toBe(0);
    expect(ofsync(["diff", once, twice]).status).toBe(0);
  });

  test("--flow-mods: what would be sent", () => {
    const { status, stdout } = ofsync(["diff", "--flow-mods", a, b]);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^modify_strict .*table=2.*tcp.*actions=output:5$/m);
    expect(stdout).toMatch(/^add .*arp.*actions=drop$/m);
    expect(stdout.trim().split("\n")).toHaveLength(3);
    expect(ofsync(["diff", "--flow-mods", a, scratch.file("empty.txt", "")]).stdout).toMatch(/^delete_strict /m);
  });

  test("--summary and --json", () => {
    expect(ofsync(["diff", "--summary", a, b])).toMatchObject({
      status: 2,
      stdout: expect.stringMatching(/3 flows in A, 4 in B: 3 keys differ[\s\S]*all +1 +2 +0\n$/),
    });
    expect(ofsync(["diff", "--summary", a, a]).stdout).toMatch(/no difference/);
    const { stdout } = ofsync(["diff", "--summary", "--json", a, b]);
    expect(JSON.parse(stdout)).toMatchObject({ equal: false, installed: 3, desired: 4, add: 1, modify: 2, delete: 0 });
    const lines = ofsync(["diff", "--json", a, b])
      .stdout.trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toContainEqual({ change: "add", flowMod: "add", table: 0, priority: 32768, desired: "arp actions=drop" });
    expect(lines).toContainEqual({
      change: "modify",
      flowMod: "modify",
      table: 2,
      priority: 32768,
      installed: "table=2, tcp actions=output:2",
      desired: "table=2, tcp actions=output:5",
    });
  });

  test("the last word is that of the first bad line", () => {
    const { status, stdout, stderr } = ofsync(["diff", scratch.file("bad.txt", "ip,actions=1\nip,nw_src=x,actions=2\n"), b]);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/bad\.txt:2:\d+: /);
  });
});

describe("check", () => {
  test("errors, duplicates, conflicts, unreachable flows", () => {
    const one = scratch.file("one.txt", "table=1,priority=5,ip,actions=1\ntable=1,priority=5,ip,actions=2\nnonsense,actions=1\n");
    const two = scratch.file(
      "two.txt",
      "table=1,priority=5,ip,actions=9\ntable=1,priority=4,tcp,tp_dst=80,actions=3\ntable=2,priority=1,tcp,actions=1\n",
    );
    const text = ofsync(["check", one, two]);
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/one\.txt:3:\d+: /);
    expect(text.stdout).toMatch(/one\.txt:2: duplicate: same key as .*one\.txt:1, but another value/);
    expect(text.stdout).toMatch(/: conflict: .* loses to .*table=1 priority=5,ip/);
    expect(text.stdout).toMatch(
      /two\.txt:2: unreachable: table=1 priority=4,tcp,tp_dst=80 is covered by .*: table=1 priority=5,ip/,
    );
    expect(text.stdout.match(/unreachable/g)).toHaveLength(1);
    const found = ofsync(["check", "--json", two]);
    expect(found.status).toBe(2);
    expect(JSON.parse(found.stdout)).toMatchObject({ kind: "unreachable", line: 2 });
    expect(ofsync(["check"], { input: "ip,actions=1\n" })).toMatchObject({ status: 0, stdout: "" });
  });

  test("owners by cookie and by comment", () => {
    const input = "# owner: a\ncookie=1,ip,actions=1\n# owner: b\ncookie=2,ip,actions=2\n";
    expect(ofsync(["check", "--json"], { input }).stdout).toMatch(/"duplicate"/);
    expect(JSON.parse(ofsync(["check", "--json", "--owner", "cookie"], { input }).stdout)).toMatchObject({ kind: "conflict" });
    const comment = JSON.parse(ofsync(["check", "--json", "--owner", "comment"], { input }).stdout) as {
      owner: string;
      winner: string;
    };
    expect([comment.owner, comment.winner].sort()).toEqual(["a", "b"]);
  });

  test("conjunctive flows cover nothing", () => {
    const input = "priority=9,ip,actions=conjunction(7,1/2)\npriority=5,tcp,actions=1\n";
    expect(ofsync(["check"], { input })).toMatchObject({ status: 0, stdout: "" });
  });
});

describe("explain", () => {
  const input = `# owner: 00000000-0000-0000-0000-000000000001
priority=5,ip,actions=1
# owner: 00000000-0000-0000-0000-000000000002
priority=5,ip,actions=2
priority=9,tcp,tp_dst=80,actions=3
priority=1,actions=drop
`;

  test("who wants a key, who wins and why", () => {
    const { status, stdout } = ofsync(["explain", "--owner", "comment", "priority=5,ip"], { input });
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /priority=5,ip: 2 owners, rule: lowest UUID\n {2}winner {4}00000000-0000-0000-0000-000000000001.*\n.*actions=output:1\n {2}shadowed .*000002/,
    );
    const json = JSON.parse(ofsync(["explain", "--json", "--owner", "comment", "priority=5,ip"], { input }).stdout) as {
      contenders: { place: string }[];
    };
    expect(json.contenders.map(({ place }) => place)).toEqual(["standard input:2", "standard input:4"]);
    expect(ofsync(["explain", "priority=6,ip"], { input })).toMatchObject({ status: 2, stdout: "nobody wants priority=6,ip\n" });
  });

  test("which flow takes a packet", () => {
    const { status, stdout } = ofsync(["explain", "--packet", "--owner", "comment", "tcp,nw_src=10.0.0.1"], { input });
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /could take it +standard input:5: priority=9,tcp,tp_dst=80 actions=output:3\ntakes it +standard input:2: priority=5,ip actions=output:1/,
    );
    const json = JSON.parse(ofsync(["explain", "--json", "--packet", "--owner", "comment", "arp"], { input }).stdout) as {
      certain: { place: string };
    };
    expect(json.certain.place).toBe("standard input:6");
    expect(ofsync(["explain", "--packet", "table=7,ip"], { input }).status).toBe(2);
  });

  test("a bad key is told with its place", () => {
    const { status, stderr } = ofsync(["explain", "ip,nw_dst=1.2.3"], { input });
    expect(status).toBe(1);
    expect(stderr).toMatch(/KEY:1:\d+: /);
  });
});

describe("names of ports", () => {
  const named = 'in_port=up,actions=output:"b.c",3\nin_port=2,actions=up\n';

  test("fmt reads them with --ports, and prints them with --names", () => {
    const input = named;
    expect(ofsync(["fmt", "--ports", "up=1,b.c=2"], { input })).toMatchObject({
      status: 0,
      stdout: "in_port=1 actions=output:2,output:3\nin_port=2 actions=output:1\n",
    });
    const map = scratch.file("ports.txt", "# ports\nup=1\n b.c = 2\n\n");
    expect(ofsync(["fmt", "--names", "--ports", `@${map}`], { input })).toMatchObject({
      status: 0,
      stdout: 'in_port=up actions=output:"b.c",output:3\nin_port="b.c" actions=output:up\n',
    });
    expect(ofsync(["fmt"], { input })).toMatchObject({ status: 1, stdout: "" });
    expect(ofsync(["fmt", "--ports", "up=1"], { input })).toMatchObject({ status: 1 });
  });

  test("diff likewise, whatever is printed", () => {
    const a = scratch.file("a.txt", "in_port=1,actions=output:2,3\nin_port=2,actions=3\n");
    const b = scratch.file("b.txt", named);
    const options = ["--ports", "up=1,b.c=2"];
    expect(ofsync(["diff", ...options, a, b])).toMatchObject({
      status: 2,
      stdout: "-in_port=2 actions=output:3\n+in_port=2 actions=output:1\n",
    });
    expect(ofsync(["diff", ...options, "--names", a, b]).stdout).toBe(
      '-in_port="b.c" actions=output:3\n+in_port="b.c" actions=output:up\n',
    );
    expect(ofsync(["diff", ...options, "--names", "--flow-mods", a, b]).stdout).toBe(
      'modify_strict in_port="b.c" actions=output:up\n',
    );
    expect(JSON.parse(ofsync(["diff", ...options, "--names", "--json", a, b]).stdout)).toMatchObject({
      desired: 'in_port="b.c" actions=output:up',
    });
  });

  test.each([
    [["fmt", "--names"], /--names needs --ports/],
    [["fmt", "--ports", "up"], /--ports has "up"/],
    [["fmt", "--ports", "up=65535"], /--ports has "up=65535"/],
    [["fmt", "--ports", "@/nowhere"], /nowhere/],
  ])("%s is refused", (args, message) => {
    const { status, stderr } = ofsync(args, { input: "" });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});

describe("decode and encode", () => {
  test("of an answer with a bad record the records before it are shown, as ovs-ofctl ofp-print shows them", () => {
    const counters = { packetCount: 7n, byteCount: 900n, durationSeconds: 12, durationNanoseconds: 0 };
    const flows = [1, 2, 3].map((n): FlowStats => {
      const { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags } = numberedFlow(n, {
        cookie: n,
      });
      return { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags, ...counters };
    });
    const bytes = encodeMessage({ type: "flowStatsReply", flows, multipartFlags: 0 }, { version: 6, xid: 1 });
    // The type of the last action.
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(bytes.length - 16, 0xeeee);
    const { status, stdout, stderr } = ofsync(["decode", "--binary"], { input: Buffer.from(bytes) });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^OFPST_FLOW reply[^\n]* cookie=0x1,[^\n]*in_port=1 [^\n]* cookie=0x2,[^\n]*in_port=2 [^\n]*\n$/);
    expect(stdout).not.toContain("in_port=3");
    expect(stderr).toMatch(/message at byte 0: .*OFPBAC_BAD_TYPE|message at byte 0/);
    const lines = ofsync(["decode", "--binary", "--json"], { input: Buffer.concat([bytes, bytes]) })
      .stdout.trim()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { ok: false, offset: 0, before: { type: "flowStatsReply", flows: [{}, {}] } },
      { ok: false, offset: bytes.length },
    ]);
  });

  test("there and back", () => {
    const hex = ofsync(["encode", "-O", "OpenFlow15", "table=3,tcp,tp_dst=80,actions=resubmit(,4)"]);
    expect(hex.stdout).toMatch(/^060e[0-9a-f]+\n$/);
    for (const input of [
      hex.stdout,
      `# a comment\n${hex.stdout.replace(/(..)/g, "$1 ")}`,
      Buffer.from(hex.stdout.trim(), "hex"),
    ]) {
      const text = ofsync(["decode"], { input });
      expect(text).toMatchObject({ status: 0, stderr: "" });
      expect(text.stdout).toBe("OFPT_FLOW_MOD (OF1.5) (xid=0x1): ADD table:3 tcp,tp_dst=80 actions=resubmit(,4)\n");
    }
    expect(JSON.parse(ofsync(["decode", "--json"], { input: hex.stdout }).stdout)).toMatchObject({
      offset: 0,
      ok: true,
      message: { type: "flowMod", version: "OpenFlow15", xid: 1, table: 3 },
    });
  });

  test("several flows and messages", () => {
    const hex = ofsync(["encode"], { input: "ip,actions=1\n# c\narp,actions=2\n" }).stdout;
    expect(ofsync(["decode"], { input: hex }).stdout.trim().split("\n")).toHaveLength(2);
  });

  test("malformed messages, lengths that lie, half messages, no digits", () => {
    const bad = ofsync(["decode"], { input: "060e0038000000010000\n".padEnd(113, "f") });
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/message at byte 0|ends inside a message/);
    expect(ofsync(["decode"], { input: "0602000400000001" })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/WIRE_LENGTH/),
    });
    expect(ofsync(["decode"], { input: "06020008000000" })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ends inside a message/),
    });
    expect(ofsync(["decode", "--hex"], { input: "06\n0g" })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/:2: "g" is no hexadecimal digit/),
    });
    expect(ofsync(["decode", "--hex"], { input: "060" }).stderr).toMatch(/odd number/);
  });
});

describe("manners", () => {
  test("random bytes never give a stack trace or a crash", () => {
    for (let i = 0; i < 12; i++) {
      const input =
        i % 2 === 0 ? randomBytes(3000) : Buffer.concat([Buffer.from("ip,actions="), randomBytes(300), Buffer.from("\n,=,(((")]);
      for (const args of [["fmt"], ["fmt", "-k", "--json"], ["check"], ["decode", "--binary"], ["diff", "-", "/dev/null"]]) {
        const { status, stderr } = ofsync(args, { input });
        expect([0, 1, 2]).toContain(status);
        expect(stderr).not.toMatch(/^\s+at |internal error/m);
      }
    }
  });

  test("OFSYNC_DEBUG shows the stack", () => {
    expect(ofsync(["fmt", "/nonexistent"], { env: { OFSYNC_DEBUG: "1" } }).stderr).toMatch(/Error: ENOENT/);
  });

  test("no colour in a pipe", () => {
    expect(ofsync(["diff", "-", "/dev/null"], { input: "ip,actions=1\n", env: { FORCE_COLOR: "1" } }).stdout).toBe(
      "-ip actions=output:1\n",
    );
  });

  test("a reader that goes away ends it quietly", async () => {
    const flows = Array.from({ length: 60_000 }, (_, i) => `priority=${i},ip,actions=output:${1 + (i % 60_000)}`).join("\n");
    const child = spawn(process.execPath, [built("cli.js"), "fmt", scratch.file("many.txt", flows)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(status).toBe(141);
    expect(stderr).toBe("");
  });
});
