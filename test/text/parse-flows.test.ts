import { describe, expect, test } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import { flow } from "../../src/text/flow-template.ts";
import { formatDiffFlow, formatFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlowLine, parseFlowLineReading, parseFlows } from "../../src/text/parse-flows.ts";
import { parseMatch } from "../../src/text/parse-match.ts";

const DUMP = `OFPST_FLOW reply (OF1.3) (xid=0x2): flags=[more]
 cookie=0x10003, duration=0.007s, table=0, n_packets=12, n_bytes=840, idle_age=3, priority=50,in_port=37 actions=drop

# a comment
 cookie=0x0, duration=12s, table=1, n_packets=0, n_bytes=0, idle_timeout=60, send_flow_rem ip,nw_dst=10.0.0.0/8 actions=drop # why
NXST_FLOW reply (xid=0x4):
priority=7,arp actions=drop`;

async function* stream(chunks: readonly (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

describe("a whole dump", () => {
  test("comes as flows with their lines and statistics", () => {
    const lines = [...parseFlows(DUMP)];
    expect(lines.map(({ line }) => line)).toEqual([2, 5, 7]);
    expect(lines.map((each) => formatFlow(each.flow))).toEqual([
      "cookie=0x10003, priority=50,in_port=37 actions=drop",
      "table=1, idle_timeout=60, send_flow_rem ip,nw_dst=10.0.0.0/8 actions=drop",
      "priority=7,arp actions=drop",
    ]);
    expect(lines[0]?.stats).toEqual({ durationSeconds: 0.007, packetCount: 12n, byteCount: 840n, idleAge: 3 });
    expect(lines[2]?.stats).toBeUndefined();
  });

  test("comes alike in pieces of any size, as text, bytes or a stream", async () => {
    const text = DUMP.replace("# a comment", "# ein Kommentar mit Umlauten: äöü, 例");
    const bytes = new TextEncoder().encode(text);
    const wanted = [...parseFlows(text)].map((each) => `${each.line} ${formatFlow(each.flow)}`);
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect([...parseFlows(pieces)].map((each) => `${each.line} ${formatFlow(each.flow)}`)).toEqual(wanted);
      const found: string[] = [];
      for await (const each of parseFlows(stream(pieces))) found.push(`${each.line} ${formatFlow(each.flow)}`);
      expect(found).toEqual(wanted);
    }
  });

  test("ends lines with CR LF too", () => {
    expect([...parseFlows("arp,actions=drop\r\nip,actions=drop\r\n")].length).toBe(2);
  });
});

describe("a bad line", () => {
  const text = "ip,actions=drop\nnonsense=1,actions=drop\n\narp,actions=drop\n";

  test("stops with its number", () => {
    const lines = parseFlows(text);
    expect(lines.next().value?.line).toBe(1);
    expect(() => lines.next()).toThrow(
      expect.objectContaining({ code: "FLOW_KEYWORD", place: { line: 2, column: 1, text: "nonsense" } }),
    );
  });

  test("is passed over with keepGoing", async () => {
    const results = [...parseFlows(text, { keepGoing: true })];
    expect(results.map(({ ok, line }) => [ok, line])).toEqual([
      [true, 1],
      [false, 2],
      [true, 4],
    ]);
    const bad = results[1];
    if (bad === undefined || bad.ok) throw new Error("the second line is bad");
    expect(bad.error.code).toBe("FLOW_KEYWORD");
    expect(bad.text).toBe("nonsense=1,actions=drop");
    let flows = 0;
    for await (const each of parseFlows(stream([text]), { keepGoing: true })) if (each.ok) flows++;
    expect(flows).toBe(2);
  });

  test("may be longer than memory should hold", () => {
    const chunks = Array.from({ length: 40 }, () => "x".repeat(50_000));
    const results = [...parseFlows([...chunks, "\narp,actions=drop"], { keepGoing: true })];
    expect(results.map((each) => (each.ok ? each.line : each.error.code))).toEqual(["FLOW_LINE_TOO_LONG", 2]);
  });

  test("and a source of something else is a typed error", () => {
    for (const source of [42, null, undefined, {}]) {
      expect(() => [...parseFlows(source as never)]).toThrow(expect.objectContaining({ code: "FLOW_SOURCE" }));
    }
    expect(() => [...parseFlows([3 as never])]).toThrow(expect.objectContaining({ code: "FLOW_SOURCE" }));
  });
});

describe("one line", () => {
  test("without a flow is undefined", () => {
    for (const text of [
      "",
      "   \t",
      "# only a comment",
      "  # and spaces",
      "NXST_FLOW reply (xid=0x4):",
      "OFPST_FLOW reply (OF1.5) (xid=0x6):",
    ]) {
      expect(parseFlowLine(text)).toBeUndefined();
    }
  });

  test("may have # in the quotes of a port name", () => {
    const ports = {
      numberOf: (name: string) => (name === "eth#1" ? 4 : undefined),
      nameOf: (port: number) => (port === 4 ? "eth#1" : undefined),
    };
    const read = parseFlowLine('in_port="eth#1",actions=drop # comment', { ports });
    expect(read === undefined ? "" : formatFlow(read)).toBe("in_port=4 actions=drop");
    expect(read === undefined ? "" : formatFlow(read, { names: ports })).toBe('in_port="eth#1" actions=drop');
  });

  test("keeps an unknown counter unknown", () => {
    expect(parseFlowLineReading("n_packets=?, n_bytes=5, actions=drop")?.stats).toEqual({ byteCount: 5n });
  });
});

describe("printing", () => {
  const text =
    "cookie=0x1f00000002, table=3, idle_timeout=60, hard_timeout=600, send_flow_rem importance=9, priority=5,ip,nw_dst=10.0.0.0/8 actions=drop";

  test("gives the dump form", () => {
    expect(formatFlow(parseFlow(text))).toBe(text);
    expect(formatFlow(parseFlow("actions=drop"))).toBe("actions=drop");
    expect(formatFlow(parseFlow("table=1,actions=drop"))).toBe("table=1, actions=drop");
    expect(formatFlow(parseFlow("send_flow_rem,check_overlap,actions=drop"))).toBe("send_flow_rem check_overlap actions=drop");
  });

  test("shows only what the version can carry", () => {
    const read = parseFlow(text);
    expect(formatFlow(read, { version: "OpenFlow13" })).toBe(text.replace("importance=9, ", ""));
    expect(formatFlow(read, { version: "OpenFlow10" })).toBe(text.replace("send_flow_rem importance=9, ", ""));
  });

  test("gives the form with statistics", () => {
    const shown = "cookie=0x0, duration=1.5s, table=0, n_packets=3, n_bytes=180, idle_age=1, hard_age=4, ip actions=drop".replace(
      "1.5s",
      "1.500s",
    );
    const reading = parseFlowLineReading(shown);
    expect(reading === undefined ? "" : formatFlow(reading.flow, { stats: reading.stats })).toBe(shown);
    expect(formatFlow(parseFlow("arp,actions=drop"), { stats: {} })).toBe(
      "cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, arp actions=drop",
    );
    expect(formatFlow(parseFlow("arp,actions=drop"), { stats: { durationSeconds: 2.0000001 } })).toContain("duration=2.0000001s");
  });

  test("gives the form of diff-flows", () => {
    expect(formatDiffFlow(parseFlow(text))).toBe(
      "table=3 priority=5,ip,nw_dst=10.0.0.0/8 cookie=0x1f00000002 idle_timeout=60 hard_timeout=600 importance=9 actions=drop",
    );
    expect(formatDiffFlow(parseFlow("actions=drop"))).toBe(" actions=drop");
    expect(formatDiffFlow(parseFlow("table=1,actions=drop"))).toBe("table=1  actions=drop");
  });
});

describe("a template", () => {
  test("is a flow", () => {
    const table = 3;
    const read = flow`table=${table},priority=${100n},ip,nw_dst=${"10.0.0.1"},actions=drop`;
    expect(formatFlow(read)).toBe("table=3, priority=100,ip,nw_dst=10.0.0.1 actions=drop");
    expect(flow`${parseMatch("tcp,tp_dst=80")},actions=${read.instructions}`.match.equals(parseMatch("tcp,tp_dst=80"))).toBe(
      true,
    );
  });

  test("is strict", () => {
    expect(() => flow`dl_vlan=5000,actions=drop`).toThrow(expect.objectContaining({ code: "FIELD_RANGE" }));
  });

  test("takes no other values", () => {
    for (const value of [undefined, null, {}, Number.NaN, 1.5, true]) {
      try {
        flow`table=${value as never},actions=drop`;
        throw new Error(`${String(value)} was taken`);
      } catch (error) {
        expect(isOfsyncError(error, "FLOW_TEMPLATE")).toBe(true);
      }
    }
  });
});
