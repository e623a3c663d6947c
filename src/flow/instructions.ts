import { ByteWriter, equalBytes } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import type { Action } from "./actions/action.ts";
import { ANY_TABLE, checkActions } from "./actions/check.ts";
import { CANONICAL, withPath } from "./actions/codec.ts";
import { decodeCanonical, decodeInstructionList, encodeInstructionList, isWire15 } from "./actions/instruction-list.ts";
import { isActionType } from "./actions/registry.ts";
import { verifyActions } from "./actions/verify.ts";
import type { MatchFacts } from "./match-facts.ts";

const EMPTY = new Uint8Array(0);

/** Instructions in parts, each in the order in which the standard executes them. */
export interface InstructionsInit {
  /** Meter to pass first; 1 to 0xffff0000. */
  readonly meter?: number;
  /** Actions to run at once. */
  readonly apply?: readonly Action[];
  /** Empty the action set. */
  readonly clear?: boolean;
  /** Actions to add to the action set. */
  readonly write?: readonly Action[];
  /** Bits of the metadata field to write; `mask` default: all. */
  readonly metadata?: { readonly value: bigint | number; readonly mask?: bigint | number };
  /** Table to go on with. */
  readonly goto?: number;
}

/**
 * What happens to a packet that matches. Immutable.
 *
 * Invariant: `bytes` is the canonical form: OpenFlow 1.5 instructions (standard and Nicira extension actions) in the order
 * in which the standard executes them, empty apply-actions dropped, 8-byte aligned. What was written is kept: an action that
 * 1.5 has no encoding for (a `load`) stands there in the older encoding and is translated at the wire
 * (the table is at `CANONICAL` in `actions/codec.ts`).
 */
export class Instructions {
  /** Canonical bytes. Never write into them. */
  readonly bytes: Uint8Array;
  #actions: readonly Action[] | undefined;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** No instructions: the packet is dropped. */
  static readonly drop: Instructions = new Instructions(EMPTY);

  /** Wraps bytes that are known to be canonical; they are not checked and not copied. */
  static fromCanonical(bytes: Uint8Array): Instructions {
    return bytes.length === 0 ? Instructions.drop : new Instructions(bytes);
  }

  /**
   * From typed objects. With `facts` of the match they are also checked against it.
   * Errors: `ACTION_INVALID` with the path of the fault, such as `apply[2].port`; `ACTION_MATCH` when they do not fit the match.
   */
  static of(init: InstructionsInit, facts?: MatchFacts, table: number = ANY_TABLE): Instructions {
    checkInit(init);
    const list: Action[] = [];
    const paths: string[] = [];
    const add = (action: Action, path: string): void => {
      list.push(action);
      paths.push(path);
    };
    if (init.meter !== undefined) add({ type: "meter", meter: init.meter }, "meter");
    for (const [index, action] of (init.apply ?? []).entries()) add(action, `apply[${index}]`);
    if (init.clear === true) add({ type: "clearActions" }, "clear");
    if (init.write !== undefined) add({ type: "writeActions", actions: init.write }, "write");
    if (init.metadata !== undefined) add({ type: "writeMetadata", ...init.metadata }, "metadata");
    if (init.goto !== undefined) add({ type: "gotoTable", table: init.goto }, "goto");
    return fromTyped(list, paths, facts, table);
  }

  /** From one flat list of actions and instructions, as {@link Instructions.actions} gives it. Errors as of {@link Instructions.of}. */
  static ofActions(actions: readonly Action[], facts?: MatchFacts, table: number = ANY_TABLE): Instructions {
    checkList(actions, "actions");
    return fromTyped(
      actions,
      actions.map((_, index) => `[${index}]`),
      facts,
      table,
    );
  }

  /** All actions and instructions in the order of execution, decoded when first asked for. */
  get actions(): readonly Action[] {
    if (this.#actions === undefined) this.#actions = Object.freeze(decodeCanonical(this.bytes));
    return this.#actions;
  }

  /** Is {@link bytes} exactly what is sent in OpenFlow 1.5? */
  get isWire15(): boolean {
    return isWire15(this.bytes);
  }

  equals(other: Instructions): boolean {
    return this === other || equalBytes(this.bytes, other.bytes);
  }

  /** {@link actions} as plain JSON: 64-bit numbers and bytes as hexadecimal text. */
  toJSON(): unknown {
    return plain(this.actions);
  }
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (value instanceof Uint8Array) {
    let text = "0x";
    for (const byte of value) text += byte.toString(16).padStart(2, "0");
    return text;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
  return value;
}

const PARTS: ReadonlySet<string> = /* @__PURE__ */ new Set(["meter", "apply", "clear", "write", "metadata", "goto"]);

// What is not understood is never left out: a list of actions in the wrong place would silently drop every packet.
function checkInit(init: unknown): void {
  if (typeof init !== "object" || init === null || Array.isArray(init)) {
    throw new OfsyncError("ACTION_INVALID", `instructions are made of an object, not of ${kindOf(init)}`, {
      hint: "write Instructions.of({ apply: [action, …] })",
    });
  }
  for (const [name, value] of Object.entries(init)) {
    if (!PARTS.has(name)) {
      throw new OfsyncError("ACTION_INVALID", `instructions have no part called ${name}`, {
        place: { field: name },
        hint: `the parts are ${[...PARTS].join(", ")}`,
      });
    }
    if ((name === "apply" || name === "write") && value !== undefined) checkList(value, name);
    if (name === "metadata" && value !== undefined && (typeof value !== "object" || value === null)) {
      throw new OfsyncError("ACTION_INVALID", `metadata must be an object with value and mask, not ${kindOf(value)}`, {
        place: { field: name },
      });
    }
  }
}

function checkList(value: unknown, name: string): void {
  if (!Array.isArray(value)) {
    throw new OfsyncError("ACTION_INVALID", `${name} must be an array of actions, not ${kindOf(value)}`, {
      place: { field: name },
    });
  }
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}

function fromTyped(
  list: readonly Action[],
  paths: readonly string[],
  facts: MatchFacts | undefined,
  table: number,
): Instructions {
  const w = new ByteWriter(64);
  for (const [index, action] of list.entries()) {
    const path = paths[index] as string;
    if (!isActionType((action as { type?: unknown } | undefined)?.type)) {
      throw new OfsyncError("ACTION_INVALID", `${path} is not an action`, {
        place: { field: `${path}.type` },
        hint: "give it a type such as output",
      });
    }
    // Encoding it alone and reading it back strictly finds every value that a switch would refuse.
    w.clear();
    try {
      encodeInstructionList([action], CANONICAL, w);
    } catch (error) {
      throw relocate(error, path);
    }
    try {
      decodeInstructionList(w.buffer, 0, w.length, CANONICAL, false);
    } catch (error) {
      if (!(error instanceof OfsyncError) || isNestedOnly(error)) throw error;
      throw new OfsyncError("ACTION_INVALID", error.message, {
        place: { field: path },
        ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
      });
    }
  }
  const order = verifyActions(list, 2, { instructions: true, meter: true, outer: undefined });
  if (order !== undefined) {
    throw new OfsyncError("ACTION_INVALID", order.message, {
      place: { field: paths[order.index] as string },
      openflowError: order.openflowError,
    });
  }
  const checked = facts === undefined ? undefined : checkActions(list, facts, table);
  if (checked?.fault !== undefined) {
    const { fault } = checked;
    throw new OfsyncError("ACTION_MATCH", fault.message, {
      place: { field: paths[fault.path[0] ?? 0] as string },
      openflowError: fault.openflowError,
      ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    });
  }
  w.clear();
  encodeInstructionList(checked?.actions ?? list, CANONICAL, w);
  return Instructions.fromCanonical(w.finish());
}

function isNestedOnly(error: OfsyncError): boolean {
  return error.code !== "WIRE_ACTION" && error.code !== "WIRE_INSTRUCTION" && error.code !== "WIRE_LENGTH";
}

// The list of one has index 0, which means nothing to the user.
function relocate(error: unknown, path: string): unknown {
  if (error instanceof OfsyncError && error.code === "ACTION_INVALID") {
    const field = (error.place.field ?? "").replace(/^\[0\]\.?/, "");
    return withPath(
      new OfsyncError(error.code, error.message, {
        place: field === "" ? {} : { field },
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      }),
      path,
    );
  }
  return error;
}
