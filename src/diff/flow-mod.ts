// Flow-mods are made by the table's rounds as well as by comparisons, so their shape is declared a room lower.
export {
  createFlowModView,
  FLOW_MOD_COMMANDS,
  type FlowMod,
  type FlowModBatch,
  type FlowModCommand,
  type FlowModView,
} from "../table/flow-mod.ts";
