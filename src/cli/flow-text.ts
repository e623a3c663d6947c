import { type FlowKey, formatMatch } from "../index.ts";

/** Table, priority and match, as `ovs-ofctl diff-flows` prints them. */
export function keyText({ table, priority, match }: FlowKey): string {
  const text = `${table === 0 ? "" : `table=${table} `}${formatMatch(match, { priority })}`;
  return text === "" ? "(priority=32768, every packet)" : text;
}
