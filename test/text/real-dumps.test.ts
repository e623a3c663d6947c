import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { sameMeaning } from "../../src/flow/meaning.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";

const sets = new URL("../vectors/flowsets/", import.meta.url);

// "dec_ttl()" is how Open vSwitch prints a dec_ttl that was sent in its longer encoding; ovs-ofctl reads it as dec_ttl.
function textOf(name: string): string {
  const bytes = readFileSync(new URL(name, sets));
  return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").replaceAll("dec_ttl()", "dec_ttl");
}

describe("a dump of Open vSwitch prints again as it was", () => {
  test.each<[string, OpenFlowVersion]>([
    ["ovn-real-6k/installed.OpenFlow13.txt.gz", "OpenFlow13"],
    ["ovn-real-6k/desired.OpenFlow13.txt.gz", "OpenFlow13"],
    ["ovn-real-6k/installed.OpenFlow15.txt.gz", "OpenFlow15"],
    ["ovn-real-6k/desired.OpenFlow15.txt.gz", "OpenFlow15"],
  ])("%s", (name, version) => {
    const text = textOf(name);
    const wanted = text.split("\n").filter((line) => line.includes("actions="));
    const wrong: string[] = [];
    let count = 0;
    for (const { flow, line } of parseFlows(text, { version })) {
      const own = formatFlow(flow, { version });
      if (own !== wanted[count]?.trim()) wrong.push(`${line}: ${wanted[count]} became ${own}`);
      count++;
      if (!parseFlow(own, { version }).equals(flow)) wrong.push(`${line}: ${own} reads back to another flow`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(count).toBe(wanted.length);
    expect(count).toBeGreaterThan(6000);
  });

  test.each(["l2-10/installed.txt", "ovn-1k/installed.txt", "ovn-real-6k/installed.OpenFlow15.stats.txt.gz"])(
    "%s, with statistics",
    (name) => {
      const text = textOf(name);
      const version: OpenFlowVersion = name.includes("15") ? "OpenFlow15" : "OpenFlow13";
      const wanted = text.split("\n").filter((line) => line.includes("actions="));
      const found = [...parseFlows(text, { version })].map(({ flow, stats }) => formatFlow(flow, { version, stats }));
      expect(found).toEqual(wanted.map((line) => line.trim()));
    },
  );
});

describe("a controller's unusual spellings", () => {
  test.each(["l2-10/desired.txt", "ovn-1k/desired.txt", "ovn-20k/desired.txt.gz"])("%s", (name) => {
    let count = 0;
    for (const { flow } of parseFlows(textOf(name), { version: "OpenFlow13", compat: "ovs" })) {
      // In 1.3 an action may print in an older form, which means the same.
      const text = formatFlow(flow, { version: "OpenFlow13" });
      const again = parseFlow(text, { version: "OpenFlow13" });
      if (!again.sameKey(flow) || !again.sameAttributes(flow) || !sameMeaning(again.instructions, flow.instructions)) {
        throw new Error(`${text} reads back to another flow`);
      }
      const newest = formatFlow(flow);
      if (!sameMeaning(parseFlow(newest).instructions, flow.instructions))
        throw new Error(`${newest} reads back to another flow`);
      count++;
    }
    expect(count).toBeGreaterThanOrEqual(10);
  });
});
