import { OfsyncError } from "../errors.ts";

/** OpenFlow protocol versions, by the names that `ovs-ofctl -O` takes. */
export type OpenFlowVersion = "OpenFlow10" | "OpenFlow11" | "OpenFlow12" | "OpenFlow13" | "OpenFlow14" | "OpenFlow15";

/** The version byte of an OpenFlow header: 1 for 1.0 up to 6 for 1.5. */
export type WireVersion = 1 | 2 | 3 | 4 | 5 | 6;

const NAMES: readonly OpenFlowVersion[] = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

/** `OpenFlow15` → 6. Throws `OPTION_INVALID` for anything that is no version. */
export function wireVersionOf(version: OpenFlowVersion): WireVersion {
  const index = NAMES.indexOf(version);
  if (index < 0) {
    throw new OfsyncError("OPTION_INVALID", `version is ${String(version)}, but must be one of ${NAMES.join(", ")}`, {
      place: { field: "version" },
      hint: "parseVersion(text) reads other spellings",
    });
  }
  return (index + 1) as WireVersion;
}

/** 6 → `OpenFlow15`. */
export function versionName(version: WireVersion): OpenFlowVersion {
  return NAMES[version - 1] as OpenFlowVersion;
}

/** Accepts `OpenFlow15`, `openflow15`, `OF1.5`, `1.5`; `undefined` for anything else. */
export function parseVersion(text: string): OpenFlowVersion | undefined {
  const match = /^(?:openflow|of)?1\.?([0-5])$/i.exec(text);
  return match === null ? undefined : NAMES[Number(match[1])];
}
