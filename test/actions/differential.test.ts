import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import { matchFactsOf } from "../../src/flow/match-facts.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { formatInstructions } from "../../src/text/actions/format-instructions.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { runs, seed } from "../seed.ts";
import { ActionTextGenerator } from "./action-text-generator.ts";

const run = promisify(execFile);

async function ofctl(): Promise<boolean> {
  try {
    return (await run("ovs-ofctl", ["--version"])).stdout.includes("3.1.");
  } catch {
    return false;
  }
}

// "REJECT", "REFUSED name" (sent, but a switch refuses it), or what is printed behind `actions=`.
async function asked(text: string, version: OpenFlowVersion): Promise<string> {
  try {
    const { stdout } = await run("ovs-ofctl", ["-O", version, "parse-flow", text]);
    const line = stdout.split("\n").find((one) => one.includes("FLOW_MOD")) ?? "";
    const refused = /decode error: (\w+)/.exec(line)?.[1];
    return refused === undefined ? line.replace(/^.*?actions=/, "") : `REFUSED ${refused}`;
  } catch {
    return "REJECT";
  }
}

function answered(text: string, version: OpenFlowVersion): string {
  try {
    const { instructions, match } = parseFlow(text, { compat: "ovs", version });
    try {
      return formatInstructions(instructions, version, { facts: matchFactsOf(match) });
    } catch (error) {
      if (isOfsyncError(error)) return `REFUSED ${error.openflowError}`;
      throw error;
    }
  } catch (error) {
    if (isOfsyncError(error)) return "REJECT";
    throw error;
  }
}

// Where ofsync answers otherwise on purpose: actions for tests of the switch itself, fields without a number on the wire (refused
// when read and not when sent), likewise experimenter fields in learn, and a table that was not given (0 here, none there).
function isDeparture(text: string): boolean {
  return /debug_(recirc|slow)|dl_vlan|tun_t(tl|os)|skb_priority|goto_table:0|learn\(.*(erspan|gtpu|nsh|actset|NXOXM|ONFOXM)/i.test(
    text.slice(text.indexOf("actions=")),
  );
}

const present = await ofctl();

test.runIf(present)("made-up actions read, print and fail as with ovs-ofctl", { timeout: 300_000 }, async () => {
  const generator = new ActionTextGenerator(seed);
  const differences: string[] = [];
  let accepted = 0;
  let compared = 0;
  const worker = async (): Promise<void> => {
    while (compared < runs(800)) {
      compared++;
      const text = generator.flow();
      const version = generator.version();
      const wanted = await asked(text, version);
      if (wanted !== "REJECT") accepted++;
      const got = answered(text, version);
      if (got !== wanted && !isDeparture(text))
        differences.push(`${version} ${text}\n  ovs-ofctl: ${wanted}\n  ofsync:    ${got}`);
    }
  };
  await Promise.all([worker(), worker()]);
  console.info(`actions against ovs-ofctl: ${compared} texts compared, ${accepted} of them accepted`);
  expect(differences).toEqual([]);
  expect(accepted).toBeGreaterThan(compared / 6);
});
