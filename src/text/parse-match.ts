import { Match } from "../flow/match.ts";
import { MatchBuilder } from "../flow/match-builder.ts";
import type { OpenFlowVersion } from "../flow/version.ts";
import { KeyValues } from "./key-values.ts";
import { failUnknown, readMatchPart } from "./match-parts.ts";
import { type Compat, ParseContext, type ParseWarning, type PortNames } from "./parse-context.ts";

/** How text is read. */
export interface ParseOptions {
  /** `strict` (default) refuses what ovs-ofctl would silently change; `ovs` does exactly as ovs-ofctl 3.1 does, and warns. */
  readonly compat?: Compat | undefined;
  /** The version whose rules apply where versions differ, as `ovs-ofctl -O`; default OpenFlow15. */
  readonly version?: OpenFlowVersion | undefined;
  /** Names of ports that may stand instead of numbers. */
  readonly ports?: PortNames | undefined;
  /** 1-based number of the line, for errors; default 1. */
  readonly line?: number | undefined;
  /**
   * Keep `eth` and `packet_type=(0,0)` where nothing else implies Ethernet packets; default false: they are folded away, because
   * Open vSwitch never prints them (see {@link Match}).
   */
  readonly showHidden?: boolean | undefined;
  /** Told of everything that `compat: "ovs"` changed. */
  readonly onWarning?: ((warning: ParseWarning) => void) | undefined;
}

/** The context for reading `text`. */
export function parseContext(text: string, options: ParseOptions): ParseContext {
  const { compat, version, line } = options;
  return new ParseContext(text, {
    ...(compat === undefined ? {} : { compat }),
    ...(version === undefined ? {} : { version }),
    ...(line === undefined ? {} : { line }),
    ports: options.ports,
    onWarning: options.onWarning,
  });
}

let spare: MatchBuilder | undefined;

/**
 * Reads the match part of a flow: `tcp,nw_dst=10.0.0.0/8,tp_dst=80`. Nothing else may stand there. Throws an `OfsyncError` with line,
 * column and hint; the codes are in `docs/errors.md`.
 */
export function parseMatch(text: string, options: ParseOptions = {}): Match {
  const ctx = parseContext(text, options);
  const builder = spare ?? new MatchBuilder();
  spare = undefined;
  try {
    builder.clear();
    const parts = new KeyValues(text, 0, text.length);
    while (parts.next()) if (!readMatchPart(ctx, parts, builder)) failUnknown(ctx, parts);
    return Match.fromCanonical(builder.finish(ctx, text.length, options.showHidden ?? false));
  } finally {
    spare = builder;
  }
}
