// The public surface of `ofsync`: a list of names, nothing else. It runs in a browser: nothing here may import from Node.

// flow/
export type {
  Action,
  ActionOf,
  ActionType,
  BundleAction,
  CheckPktLargerAction,
  CloneAction,
  ConjunctionAction,
  ControllerAction,
  CtAction,
  DecapAction,
  DecTtlAction,
  DeleteFieldAction,
  EncapAction,
  EncapProperty,
  EnqueueAction,
  EtherTypeAction,
  FieldValue,
  FinTimeoutAction,
  GotoTableInstruction,
  GroupAction,
  HashFields,
  LearnAction,
  LearnSpec,
  LoadAction,
  MeterAction,
  ModEthernetAction,
  ModIpByteAction,
  ModIpv4Action,
  ModPortAction,
  MoveAction,
  MultipathAction,
  NatAction,
  NoteAction,
  OutputAction,
  OutputRegAction,
  OutputTruncatedAction,
  PacketInReason,
  PlainAction,
  PortRef,
  ReservedPortName,
  ResubmitAction,
  SampleAction,
  SetFieldAction,
  SetMplsAction,
  SetQueueAction,
  SetTunnelAction,
  SetVlanPcpAction,
  SetVlanVidAction,
  StackAction,
  SubField,
  WriteActionsInstruction,
  WriteMetadataInstruction,
} from "./flow/actions/action.ts";
export { type CtInit, type FieldPart, make } from "./flow/actions/make.ts";
export { DEFAULT_PRIORITY, Flow, FlowFlag, type FlowInit, type FlowKey } from "./flow/flow.ts";
export { Instructions, type InstructionsInit } from "./flow/instructions.ts";
export type { FieldName } from "./flow/field-names.ts";
export { type Field, FIELDS, fieldByName, type OxmHeader } from "./flow/fields.ts";
export { type FieldInput, Match, type MatchEntry, type MatchFields, type PlainFieldValue } from "./flow/match.ts";
export { instructionsMeaning, sameMeaning } from "./flow/meaning.ts";
export type { FlowRun, PackedFlow } from "./flow/packed-flow.ts";
export type { PortNames } from "./flow/ports.ts";
export { type OpenFlowVersion, parseVersion } from "./flow/version.ts";

// text/
export { type FormatInstructionsOptions, formatActionList, formatInstructions } from "./text/actions/format-instructions.ts";
export type { FlowStats } from "./text/flow-attributes.ts";
export { type FlowTemplateValue, flow } from "./text/flow-template.ts";
export { FlowTextReader, type FlowTextReaderOptions } from "./text/flow-text-reader.ts";
export { FlowTextWriter } from "./text/flow-text-writer.ts";
export { type FormatFlowOptions, formatDiffFlow, formatFlow } from "./text/format-flow.ts";
export { type FormatMatchOptions, formatMatch } from "./text/format-match.ts";
export type { Compat, ParseWarning } from "./text/parse-context.ts";
export { type FlowReading, parseFlow, parseFlowReading } from "./text/parse-flow.ts";
export {
  type AsyncTextChunks,
  type BadFlowLine,
  type FlowLine,
  type ParseFlowsOptions,
  parseFlowLine,
  parseFlowLineReading,
  parseFlows,
  type TextChunks,
} from "./text/parse-flows.ts";
export { type ParseOptions, parseMatch } from "./text/parse-match.ts";

// table/
export { ChangeCursor, type WinnerChange } from "./table/change-cursor.ts";
export type { FlowModOrder } from "./table/flow-mod-order.ts";
export {
  type Conflict,
  DesiredFlowTable,
  type DesiredFlowTableOptions,
  type FlowDraft,
  type OwnedFlows,
  type PutResult,
  type ReplaceResult,
} from "./table/desired-table.ts";
export type { ExplainedContender, Explanation } from "./table/explanation.ts";
export { FlowList } from "./table/flow-list.ts";
export {
  createFlowModView,
  FLOW_MOD_COMMANDS,
  type FlowMod,
  type FlowModBatch,
  type FlowModCommand,
  type FlowModView,
} from "./table/flow-mod.ts";
export { type BatchFates, type BatchLimit, FlowModRound } from "./table/flow-mod-round.ts";
export { InstalledFlowTable, type InstalledState, type ReadBack, type ReadBackChange } from "./table/installed-table.ts";
export { type OwnerId, ownerFor } from "./table/owner-id.ts";
export { type Contender, lowestUuid, ovnClasses, type WinnerPolicy } from "./table/policy.ts";
export { DesiredSnapshot } from "./table/snapshot.ts";
export type { AuditReport } from "./table/store-audit.ts";
export type { TableEvent } from "./table/table-event.ts";

// diff/
export { diffTables } from "./diff/diff-tables.ts";
export { FlowDifferences, FlowPairing } from "./diff/flow-pairing.ts";
export { flowModBatch, orderFlowMods } from "./diff/flow-mod-batch.ts";
export { formatFlowMod } from "./diff/format-flow-mod.ts";

// errors, time, log
export { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
export { type ErrorPlace, isOfsyncError, OfsyncError, type OfsyncErrorOptions } from "./errors.ts";
export { type Logger, silentLogger } from "./log.ts";

// transport/
export { flowFromView, installedFlowChunk, readFlowInto } from "./transport/installed-flow-chunk.ts";
export { MemorySwitch, type MemorySwitchOptions, type ReceivedCounters, type SwitchTamper } from "./transport/memory-switch.ts";
export { filterCovers } from "./transport/read-filter.ts";
export { type SwitchErrorName, switchError } from "./transport/switch-error.ts";
export type { DelayMs, ReadFaultKind, SwitchFaults } from "./transport/switch-faults.ts";
export type { OverflowPolicy, TableLimit } from "./transport/switch-tables.ts";
export type { DumpOptions, LoadOptions } from "./transport/switch-text.ts";
export type {
  BatchResult,
  FlowModFate,
  InstalledFlow,
  InstalledFlowChunk,
  ReadFilter,
  RemovalReason,
  SendOptions,
  SwitchError,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from "./transport/transport.ts";
export { TransportListeners } from "./transport/transport-listeners.ts";

// sync/
export type { BackOffOptions } from "./sync/back-off.ts";
export {
  BATCH_CHANNEL,
  type BatchMessage,
  type Diagnostics,
  type DiagnosticsChannel,
  type EventMessage,
} from "./sync/diagnostics.ts";
export type { DriftAction, DriftKind, SyncEvent, SyncEventType } from "./sync/events.ts";
export type { LatencyStatus } from "./sync/latency.ts";
export { METRICS, type MetricDescription, type MetricLabels, type MetricName, type Metrics } from "./sync/metrics.ts";
export type { AuditOptions, BatchOptions, ExpiredPolicy, ForeignPolicy, SynchroniserOptions } from "./sync/options.ts";
export type { OwnershipOptions } from "./sync/ownership.ts";
export type { ReadBackResult, ReadPurpose } from "./sync/read-back.ts";
export type { RefusalError, RefusedFlow, SettledReport } from "./sync/report.ts";
export { SYNC_TRANSITIONS, type SyncState, type SyncStateName } from "./sync/state.ts";
export type { SyncCounter, SyncCounters, SyncStatus } from "./sync/status.ts";
export { type SettledOptions, Synchroniser } from "./sync/synchroniser.ts";
