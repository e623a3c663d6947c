import {
  type DesiredFlowTable,
  type Flow,
  FlowList,
  type FlowRun,
  FlowTextReader,
  isOfsyncError,
  type OfsyncError,
  type OwnerId,
  type PackedFlow,
  parseFlowLine,
} from "../index.ts";
import { CommandFailure } from "./command.ts";
import { describeError } from "./error-text.ts";
import { type Reading, readOtherwise, WarningList } from "./flow-lines.ts";
import { byteChunks, inputName } from "./input.ts";
import type { Terminal } from "./terminal.ts";

/** Where the flows of a file go, one by one; the object and its byte ranges are reused. */
export type PackedTarget = (flow: PackedFlow) => void;

/** A flow that `owner` wants; of two with the same key the last counts. */
export function intoDesired(table: DesiredFlowTable, owner: OwnerId): PackedTarget {
  const digits = owner.replaceAll("-", "");
  const words = Int32Array.from({ length: 4 }, (_, i) => Number.parseInt(digits.slice(8 * i, 8 * i + 8), 16) | 0);
  const flows = new FlowList(1);
  return (flow) => {
    flows.clear();
    flows.appendView(flow);
    table.setPacked(words, 0, flows, 0);
  };
}

/** Where flows go that come together. */
export type RunTarget = (run: FlowRun) => void;

/**
 * Reads a file of flows without an object per flow; many together go to `runs`, if that is given. The first bad line ends the command,
 * the first few warnings go to standard error.
 */
export async function readPacked(
  path: string,
  reading: Reading,
  terminal: Terminal,
  target: PackedTarget,
  runs?: RunTarget,
): Promise<void> {
  const warnings = new WarningList(path, terminal);
  const reader = new FlowTextReader({
    version: reading.version,
    compat: reading.compat,
    onFlow: target,
    onRun: runs,
    onError(error, line, text) {
      const flow = withNames(error, text, line, reading) ?? readOtherwise(error, text, line, reading);
      if (isOfsyncError(flow)) throw new CommandFailure(describeError(flow, terminal, { file: inputName(path), text }));
      target(packedFlow(flow));
    },
    onWarning: reading.either ? undefined : (warning) => warnings.add(warning),
  });
  try {
    for await (const chunk of byteChunks(path, terminal)) reader.push(chunk);
    reader.finish();
  } finally {
    warnings.end();
  }
}

/** A line that cannot be read because it has names of ports, which only the careful road knows. */
function withNames(error: OfsyncError, text: string, line: number, { version, compat, ports }: Reading): Flow | undefined {
  if (ports === undefined || isOfsyncError(error, "FLOW_LINE_TOO_LONG")) return undefined;
  try {
    return parseFlowLine(text, { version, compat, line, ports });
  } catch (other) {
    if (isOfsyncError(other)) return undefined;
    throw other;
  }
}

/** A flow as numbers and byte ranges. */
function packedFlow(flow: Flow): PackedFlow {
  const { table, priority, cookieHigh, cookieLow, idleTimeout, hardTimeout, importance, flags, match, instructions } = flow;
  return {
    ...{ table, priority, cookieHigh, cookieLow, idleTimeout, hardTimeout, importance, flags },
    matchBuffer: match.bytes,
    matchStart: 0,
    matchLength: match.bytes.length,
    instructionsBuffer: instructions.bytes,
    instructionsStart: 0,
    instructionsLength: instructions.bytes.length,
  };
}
