import { ByteWriter } from "../../bytes.ts";
import { OfsyncError } from "../../errors.ts";
import type { Action } from "../../flow/actions/action.ts";
import { ANY_TABLE, checkActions } from "../../flow/actions/check.ts";
import { decodeInstructionList, encodeInstructionList } from "../../flow/actions/instruction-list.ts";
import type { Instructions } from "../../flow/instructions.ts";
import type { MatchFacts } from "../../flow/match-facts.ts";
import type { PortNames } from "../../flow/ports.ts";
import { type OpenFlowVersion, wireVersionOf } from "../../flow/version.ts";
import { printCt, printNat } from "./conntrack-text.ts";
import { printEncap } from "./encap-text.ts";
import { printFieldAction } from "./field-actions-text.ts";
import { printHashing } from "./hashing-text.ts";
import { printHeaderAction } from "./header-text.ts";
import { printLearn } from "./learn-text.ts";
import { printOutput } from "./output-text.ts";
import { printPipeline } from "./pipeline-text.ts";

class Printer {
  readonly #ports: PortNames | undefined;
  readonly #popVlan: string;

  constructor(ports: PortNames | undefined, popVlan: string) {
    this.#ports = ports;
    this.#popVlan = popVlan;
  }

  readonly list = (actions: readonly Action[]): string => {
    if (actions.length === 0) return "drop";
    let text = this.one(actions[0] as Action);
    for (let i = 1; i < actions.length; i++) text += `,${this.one(actions[i] as Action)}`;
    return text;
  };

  one(action: Action): string {
    switch (action.type) {
      case "output":
      case "group":
      case "controller":
      case "enqueue":
      case "outputReg":
      case "outputTruncated":
        return printOutput(action, this.#ports);
      case "bundle":
      case "multipath":
        return printHashing(action, this.#ports);
      case "setField":
      case "load":
      case "move":
      case "push":
      case "pop":
      case "checkPktLarger":
      case "deleteField":
        return printFieldAction(action, this.#ports);
      case "learn":
        return printLearn(action, this.#ports);
      case "encap":
      case "decap":
        return printEncap(action);
      case "ct":
        return printCt(action, this.list);
      case "nat":
        return printNat(action);
      case "resubmit":
      case "setQueue":
      case "finTimeout":
      case "conjunction":
      case "note":
      case "sample":
      case "meter":
      case "writeMetadata":
      case "gotoTable":
      case "clone":
      case "writeActions":
        return printPipeline(action, this.#ports, this.list);
      case "popVlan":
        return this.#popVlan;
      case "popQueue":
        return "pop_queue";
      case "decMplsTtl":
        return "dec_mpls_ttl";
      case "decNshTtl":
        return "dec_nsh_ttl";
      case "exit":
        return "exit";
      case "ctClear":
        return "ct_clear";
      case "debugRecirc":
        return "debug_recirc";
      case "debugSlow":
        return "debug_slow";
      case "clearActions":
        return "clear_actions";
      default:
        return printHeaderAction(action);
    }
  }
}

/** A list of actions and instructions as Open vSwitch prints it, without regard to a version. */
export function formatActionList(actions: readonly Action[], options: { readonly names?: PortNames | undefined } = {}): string {
  return new Printer(options.names, "pop_vlan").list(actions);
}

export interface FormatInstructionsOptions {
  /** Names to show instead of port numbers. */
  readonly names?: PortNames | undefined;
  /** What the match says: then the actions, as translated for the version, are checked against it once more, as a switch does. */
  readonly facts?: MatchFacts | undefined;
}

const scratch = /* @__PURE__ */ new ByteWriter(512);

/**
 * What stands behind `actions=` when Open vSwitch prints the flow in this version: the instructions are encoded for it and
 * decoded again, so that a `load` shows as `load` in 1.3 and as `set_field` in 1.5.
 * Errors: `WIRE_ACTION` or `WIRE_INSTRUCTION` when a switch would refuse them in this version; with `facts` also `ACTION_MATCH`.
 */
export function formatInstructions(
  instructions: Instructions,
  version: OpenFlowVersion,
  options: FormatInstructionsOptions = {},
): string {
  if (instructions.bytes.length === 0) return "drop";
  const wire = wireVersionOf(version);
  let bytes = instructions.bytes;
  let end = bytes.length;
  if (wire !== 6 || !instructions.isWire15) {
    scratch.clear();
    encodeInstructionList(instructions.actions, wire, scratch);
    bytes = scratch.buffer;
    end = scratch.length;
  }
  const list = decodeInstructionList(bytes, 0, end, wire, false);
  if (options.facts !== undefined) {
    const { fault } = checkActions(list, options.facts, ANY_TABLE);
    if (fault !== undefined && !(fault.soft && wire === 1)) {
      throw new OfsyncError("ACTION_MATCH", fault.message, {
        openflowError: fault.openflowError,
        ...(fault.hint === undefined ? {} : { hint: fault.hint }),
      });
    }
  }
  return new Printer(options.names, wire === 1 ? "strip_vlan" : "pop_vlan").list(list);
}
