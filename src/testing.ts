// The public surface of `ofsync/testing`: what users need to test their controllers.

// time and log
export { ManualClock, settlePromises } from "./testing/manual-clock.ts";
export { type LogLine, RecordingLogger } from "./testing/recording-logger.ts";

// transports
export type { ConformanceOptions, ConformanceTarget } from "./testing/conformance-bench.ts";
export { groupTo, numberedFlow, outputTo, portMatch } from "./testing/numbered-flow.ts";
export { type ConformanceCheck, type ConformanceOutcome, transportConformance } from "./testing/transport-conformance.ts";

// the reference model of the tables
export { NaiveTable, type NaiveInstalled, naiveKey, naiveOrder } from "./testing/naive-table.ts";

// generators for property tests with fast-check
export { type Arbitraries, type ArbitraryOptions, arbitraries, type TableOperation } from "./testing/arbitraries.ts";
export type { InstructionOptions } from "./testing/arbitrary-instructions.ts";
export type { FastCheck } from "./testing/arbitrary-matches.ts";
