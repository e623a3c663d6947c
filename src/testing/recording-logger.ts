import type { Logger } from "../log.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly detail: unknown;
}

/** Keeps what is logged. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(message: string, detail?: unknown): void {
    this.lines.push({ level: "debug", message, detail });
  }

  info(message: string, detail?: unknown): void {
    this.lines.push({ level: "info", message, detail });
  }

  warn(message: string, detail?: unknown): void {
    this.lines.push({ level: "warn", message, detail });
  }

  error(message: string, detail?: unknown): void {
    this.lines.push({ level: "error", message, detail });
  }

  /** Messages of one level, or all. */
  messages(level?: LogLine["level"]): string[] {
    return this.lines.filter((line) => level === undefined || line.level === level).map((line) => line.message);
  }

  clear(): void {
    this.lines.length = 0;
  }
}
