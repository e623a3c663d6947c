// The public surface of `ofsync/testing`: what users need to test their controllers.

// time and log
export { ManualClock, settlePromises } from "./testing/manual-clock.ts";
export { type LogLine, RecordingLogger } from "./testing/recording-logger.ts";
