// What somebody without a type checker can hand over: always a typed error, never something else than was meant.
import { describe, expect, test } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import { make } from "../../src/flow/actions/make.ts";
import { Flow } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseMatch } from "../../src/text/parse-match.ts";

function failure(attempt: () => unknown): { code: string; field: string | undefined } {
  try {
    attempt();
  } catch (error) {
    if (isOfsyncError(error)) return { code: error.code, field: error.place.field };
    throw error;
  }
  throw new Error("was taken");
}

const NOT_AN_OBJECT: readonly unknown[] = [undefined, null, 5, "ip", true, Symbol("x")];

describe("new Flow", () => {
  test.each(NOT_AN_OBJECT)("of %s", (value) => {
    expect(failure(() => new Flow(value as never))).toEqual({ code: "FLOW_VALUE", field: "init" });
  });

  test.each([null, 5, "ip", { eth_type: 0x800 }, []])("with %j as match or instructions", (value) => {
    if (value === null) {
      expect(new Flow({ match: value as never }).match.bytes).toHaveLength(0);
      return;
    }
    expect(failure(() => new Flow({ match: value as never }))).toEqual({ code: "FLOW_VALUE", field: "match" });
    expect(failure(() => new Flow({ instructions: value as never }))).toEqual({ code: "FLOW_VALUE", field: "instructions" });
  });

  test.each(["eth_type", "prio", "actions", "Match"])("with a part called %s, which there is not", (field) => {
    expect(failure(() => new Flow({ [field]: 5 }))).toEqual({ code: "FLOW_VALUE", field });
  });

  test("with the parts of another one keeps its cookie", () => {
    const flow = new Flow({ cookie: 0x1234_5678_9abc_def0n, priority: 7, idleTimeout: 5 });
    expect(new Flow({ ...flow, priority: 8 }).equals(flow.with({ priority: 8 }))).toBe(true);
    expect(new Flow({ ...flow, cookie: 5n }).cookie).toBe(5n);
    expect(new Flow(flow).equals(flow)).toBe(true);
  });

  test.each(["table", "priority", "cookie", "idleTimeout", "flags"])("with a symbol as %s", (field) => {
    expect(failure(() => new Flow({ [field]: Symbol("x") }))).toEqual({ code: "FLOW_VALUE", field });
  });
});

describe("Instructions.of", () => {
  test.each([...NOT_AN_OBJECT, [make.output(1)]])("of %s", (value) => {
    expect(failure(() => Instructions.of(value as never)).code).toBe("ACTION_INVALID");
  });

  test("with a part that there is not, or of another kind", () => {
    expect(failure(() => Instructions.of({ actions: [make.output(1)] } as never))).toEqual({
      code: "ACTION_INVALID",
      field: "actions",
    });
    expect(failure(() => Instructions.of({ apply: make.output(1) } as never))).toEqual({
      code: "ACTION_INVALID",
      field: "apply",
    });
    expect(failure(() => Instructions.of({ write: "output" } as never))).toEqual({ code: "ACTION_INVALID", field: "write" });
    expect(failure(() => Instructions.of({ metadata: 5 } as never))).toEqual({ code: "ACTION_INVALID", field: "metadata" });
    expect(failure(() => Instructions.ofActions(make.output(1) as never))).toEqual({ code: "ACTION_INVALID", field: "actions" });
  });
});

describe("text", () => {
  test.each([undefined, null, 5, {}, []])("that is %j", (value) => {
    expect(failure(() => parseFlow(value as never)).code).toBe("FLOW_SOURCE");
    expect(failure(() => parseMatch(value as never)).code).toBe("FLOW_SOURCE");
    expect(failure(() => ownerFor(value as never)).code).toBe("OWNER_INVALID");
  });

  test("settings that are misspelt", () => {
    expect(failure(() => parseFlow("actions=drop", { compat: "OVS" as never }))).toEqual({
      code: "OPTION_INVALID",
      field: "compat",
    });
    expect(failure(() => parseFlow("actions=drop", { version: "1.3" as never }))).toEqual({
      code: "OPTION_INVALID",
      field: "version",
    });
    expect(failure(() => formatFlow(new Flow({}), { version: "OpenFlow16" as never }))).toEqual({
      code: "OPTION_INVALID",
      field: "version",
    });
  });

  test("texts that an array maps", () => {
    expect(["actions=drop", "ip,actions=drop"].map(parseFlow as (text: string) => Flow)).toHaveLength(2);
  });
});

test.each([undefined, null, 5, "flows", {}])("flows that are %j", (value) => {
  expect(failure(() => FlowList.of(value as never)).code).toBe("FLOW_TYPE");
});

test("a synchroniser without a table or a transport", () => {
  expect(failure(() => new Synchroniser(undefined as never))).toEqual({ code: "SYNC_OPTION", field: "table" });
  expect(failure(() => new Synchroniser({ table: new DesiredFlowTable() } as never))).toEqual({
    code: "SYNC_OPTION",
    field: "transport",
  });
});
