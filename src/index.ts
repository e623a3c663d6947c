// The public surface of `ofsync`: a list of names, nothing else. It runs in a browser: nothing here may import from Node.

// flow/
export { DEFAULT_PRIORITY, Flow, FlowFlag, type FlowInit, type FlowKey } from "./flow/flow.ts";
export { Instructions } from "./flow/instructions.ts";
export { Match } from "./flow/match.ts";
export { type OpenFlowVersion, parseVersion } from "./flow/version.ts";

// errors, time, log
export { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
export { type ErrorPlace, isOfsyncError, OfsyncError, type OfsyncErrorOptions } from "./errors.ts";
export { type Logger, silentLogger } from "./log.ts";

// transport/
export { flowFromView, installedFlowChunk, readFlowInto } from "./transport/installed-flow-chunk.ts";
export { MemorySwitch, type MemorySwitchOptions, type ReceivedCounters, type SwitchTamper } from "./transport/memory-switch.ts";
export { type SwitchErrorName, switchError } from "./transport/switch-error.ts";
export type { DelayMs, ReadFaultKind, SwitchFaults } from "./transport/switch-faults.ts";
export type { OverflowPolicy, TableLimit } from "./transport/switch-tables.ts";
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
