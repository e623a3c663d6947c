import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { root } from "../package/built.ts";
import { ofsync, sortedLines } from "./run-cli.ts";

// What Open vSwitch 3.1's "ovs-ofctl diff-flows" says about these pairs; see test/vectors/README.md.
const sets = join(root, "test/vectors/flowsets");

function fileOf(set: string, name: string): string {
  const plain = join(sets, set, name);
  return existsSync(plain) ? plain : `${plain}.gz`;
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** The same difference seen from the other side. */
function mirrored(lines: readonly string[]): string[] {
  return lines.map((line) => (line.startsWith("-") ? "+" : "-") + line.slice(1)).sort();
}

describe("made pairs", () => {
  test.each(["l2-10", "ovn-1k", "ovn-20k", "ovn-100k"])("%s, both directions", (set) => {
    const [installed, desired] = [fileOf(set, "installed.txt"), fileOf(set, "desired.txt")];
    const there = ofsync(["diff", "-O", "OpenFlow13", installed, desired]);
    expect(there.stderr).toBe("");
    expect(sortedLines(there.stdout)).toEqual(sortedLines(textOf(fileOf(set, "expected.diff.txt"))));
    expect(there.status).toBe(2);
    const back = ofsync(["diff", "-O", "OpenFlow13", desired, installed]);
    expect(sortedLines(back.stdout)).toEqual(sortedLines(textOf(fileOf(set, "expected.diff-reverse.txt"))));
    expect(back.status).toBe(2);
  });

  test.each(["l2-10", "ovn-1k", "ovn-20k"])("%s: every version prints the same difference", (set) => {
    const lines = (...version: string[]): string[] =>
      sortedLines(ofsync(["diff", ...version, fileOf(set, "installed.txt"), fileOf(set, "desired.txt")]).stdout);
    expect(lines()).toEqual(lines("-O", "OpenFlow13"));
  });

  test.each(["l2-10", "ovn-1k"])("%s: no more flow-mods than ovs-ofctl replace-flows sends", (set) => {
    const mods = sortedLines(ofsync(["diff", "--flow-mods", fileOf(set, "installed.txt"), fileOf(set, "desired.txt")]).stdout);
    const { wire } = JSON.parse(textOf(fileOf(set, "expected.json"))) as { wire: { replace_flows: { flow_mods: number } } };
    expect(mods).toHaveLength(wire.replace_flows.flow_mods);
  });
});

test("--compat: what ovs-ofctl silently changes is told, or refused", () => {
  const [installed, desired] = [fileOf("ovn-1k", "installed.txt"), fileOf("ovn-1k", "desired.txt")];
  const told = ofsync(["diff", "--compat", "ovs", installed, desired]);
  expect(told.status).toBe(2);
  expect(told.stderr).toMatch(/desired\.txt:22:109: warning: .*\[FIELD_HOST_BITS\]\n[\s\S]*: 16 more warnings/);
  const refused = ofsync(["diff", "--compat", "strict", installed, desired]);
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toMatch(/desired\.txt:22:109: .*\[FIELD_HOST_BITS\]/);
});

describe("a real OVN deployment before and after a change", () => {
  const real = (name: string): string => fileOf("ovn-real-6k", name);

  test("OpenFlow 1.3, both directions", () => {
    const expected = sortedLines(textOf(real("expected.diff.OpenFlow13.txt")));
    const there = ofsync(["diff", "-O", "OpenFlow13", real("installed.OpenFlow13.txt"), real("desired.OpenFlow13.txt")]);
    expect(sortedLines(there.stdout)).toEqual(expected);
    const back = ofsync(["diff", "-O", "OpenFlow13", real("desired.OpenFlow13.txt"), real("installed.OpenFlow13.txt")]);
    expect(sortedLines(back.stdout)).toEqual(mirrored(expected));
  });

  test("OpenFlow 1.5, both directions; the two lines that ovs-ofctl cannot read are read", () => {
    const expected = sortedLines(textOf(real("expected.diff.OpenFlow15.reparseable.txt")));
    const unreadable = (line: string): boolean => line.includes("set_field:48/0x3f->ip_dscp");
    const there = ofsync(["diff", "-O", "OpenFlow15", real("installed.OpenFlow15.txt"), real("desired.OpenFlow15.txt")]);
    expect(sortedLines(there.stdout).filter((line) => !unreadable(line))).toEqual(expected);
    const back = ofsync(["diff", "-O", "OpenFlow15", real("desired.OpenFlow15.txt"), real("installed.OpenFlow15.txt")]);
    expect(sortedLines(back.stdout).filter((line) => !unreadable(line))).toEqual(mirrored(expected));
    const text = ofsync(["fmt", real("desired.OpenFlow15.txt")]);
    expect(sortedLines(text.stdout).filter(unreadable)).toHaveLength(
      sortedLines(textOf(real("desired.OpenFlow15.txt"))).filter(unreadable).length,
    );
  });

  test.each(["installed", "desired"])("%s: one switch dumped in 1.3, in 1.5 and with statistics is equal", (which) => {
    const forms = ["OpenFlow13", "OpenFlow15", "OpenFlow15.stats"].map((form) => real(`${which}.${form}.txt`));
    for (const other of forms.slice(1)) {
      for (const [a, b] of [
        [forms[0] as string, other],
        [other, forms[0] as string],
      ] as const) {
        expect(ofsync(["diff", a, b])).toEqual({ status: 0, stdout: "", stderr: "" });
      }
    }
  });

  test("fmt prints a dump as ovs-ofctl did", () => {
    for (const version of ["OpenFlow13", "OpenFlow15"]) {
      const dump = textOf(real(`desired.${version}.txt`));
      // ovs-ofctl reads "dec_ttl()", as the switch prints it, as "dec_ttl".
      const flows = sortedLines(dump.replaceAll("dec_ttl()", "dec_ttl")).filter((line) => line.includes("actions="));
      expect(sortedLines(ofsync(["fmt", "-O", version, real(`desired.${version}.txt`)]).stdout)).toEqual(
        flows.map((line) => line.trim()).sort(),
      );
    }
  });
});
