/** Short ways to write the actions that are used most. All others are plain objects of their type. */
import type {
  Action,
  CtAction,
  FieldValue,
  GotoTableInstruction,
  LoadAction,
  MoveAction,
  NatAction,
  OutputAction,
  PortRef,
  ResubmitAction,
  SetFieldAction,
  SubField,
} from "./action.ts";

/** A field, all of it or some bits: `"reg0"` or `{ field: "reg0", offset: 0, bits: 16 }`. */
export type FieldPart = string | SubField;

function part(field: FieldPart): SubField {
  return typeof field === "string" ? { field } : field;
}

/** What {@link make}`.ct` takes: a {@link CtAction} with its nested actions told apart. */
export interface CtInit extends Omit<CtAction, "type" | "actions"> {
  readonly nat?: true | Omit<NatAction, "type">;
  /** Writes to `ct_mark` and `ct_label`. */
  readonly exec?: readonly Action[];
}

/** `make.output(1)`, `make.setField("eth_dst", "00:11:22:33:44:55")`, `make.ct({ commit: true, zone: 5 })`, … */
export const make = {
  output(port: PortRef, maxLength?: number): OutputAction {
    return { type: "output", port, ...(maxLength === undefined ? {} : { maxLength }) };
  },
  setField(field: string, value: FieldValue, mask?: FieldValue): SetFieldAction {
    return { type: "setField", field, value, ...(mask === undefined ? {} : { mask }) };
  },
  load(value: FieldValue, destination: FieldPart): LoadAction {
    return { type: "load", value, destination: part(destination) };
  },
  move(source: FieldPart, destination: FieldPart): MoveAction {
    return { type: "move", source: part(source), destination: part(destination) };
  },
  resubmit(table: number, port?: PortRef): ResubmitAction {
    return { type: "resubmit", table, ...(port === undefined ? {} : { port }) };
  },
  gotoTable(table: number): GotoTableInstruction {
    return { type: "gotoTable", table };
  },
  ct(init: CtInit = {}): CtAction {
    const { nat, exec, ...rest } = init;
    const actions: Action[] = [];
    if (nat !== undefined) actions.push(nat === true ? { type: "nat" } : { type: "nat", ...nat });
    if (exec !== undefined) actions.push(...exec);
    return { type: "ct", ...rest, ...(actions.length === 0 ? {} : { actions }) };
  },
} as const;
