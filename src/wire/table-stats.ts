import type { Body, BodyCodec, MultipartHead } from "./message-head.ts";
import { putText } from "./message-head.ts";

/** How much one table is used. */
export interface TableStats {
  readonly table: number;
  /** Flows in the table. */
  readonly active: number;
  readonly lookups: bigint;
  readonly matched: bigint;
  /** What the table can do, as OpenFlow 1.0 to 1.2 tell it here; absent later. */
  readonly legacy?: LegacyTableStats;
}

/** Bit maps as the version defines them; 0 where the version has none. */
export interface LegacyTableStats {
  readonly name: string;
  readonly maxEntries: number;
  /** OpenFlow 1.0 and 1.1: bits of their wildcards; 1.2: bit n = OXM type n. */
  readonly wildcards: bigint;
  readonly match: bigint;
  readonly instructions: number;
  readonly writeActions: number;
  readonly applyActions: number;
  readonly writeSetFields: bigint;
  readonly applySetFields: bigint;
  readonly metadataMatch: bigint;
  readonly metadataWrite: bigint;
  /** What becomes of a packet that misses: 0 controller, 1 next table, 2 drop. */
  readonly config: number;
}

export interface TableStatsRequest extends MultipartHead {
  readonly type: "tableStatsRequest";
}

export interface TableStatsReply extends MultipartHead {
  readonly type: "tableStatsReply";
  readonly tables: readonly TableStats[];
}

const NOTHING: Omit<LegacyTableStats, "name" | "maxEntries" | "wildcards"> = {
  match: 0n,
  instructions: 0,
  writeActions: 0,
  applyActions: 0,
  writeSetFields: 0n,
  applySetFields: 0n,
  metadataMatch: 0n,
  metadataWrite: 0n,
  config: 0,
};

export const tableStatsReplyCodec: BodyCodec<TableStatsReply> = {
  decode(reader): Body<TableStatsReply> {
    const tables: TableStats[] = [];
    const { version } = reader;
    while (reader.left > 0) {
      const table = reader.u8();
      reader.skip(version === 1 || version >= 4 ? 3 : 7);
      if (version >= 4) {
        tables.push({ table, active: reader.u32(), lookups: reader.u64(), matched: reader.u64() });
        continue;
      }
      const name = reader.text(32);
      let legacy: Omit<LegacyTableStats, "maxEntries">;
      if (version === 1) {
        legacy = { ...NOTHING, name, wildcards: BigInt(reader.u32()) };
      } else if (version === 2) {
        const wildcards = BigInt(reader.u32());
        const match = BigInt(reader.u32());
        const instructions = reader.u32();
        const writeActions = reader.u32();
        const applyActions = reader.u32();
        legacy = { ...NOTHING, name, wildcards, match, instructions, writeActions, applyActions, config: reader.u32() };
      } else {
        const match = reader.u64();
        const wildcards = reader.u64();
        const writeActions = reader.u32();
        const applyActions = reader.u32();
        const writeSetFields = reader.u64();
        const applySetFields = reader.u64();
        const metadataMatch = reader.u64();
        const metadataWrite = reader.u64();
        const instructions = reader.u32();
        legacy = {
          name,
          match,
          wildcards,
          writeActions,
          applyActions,
          writeSetFields,
          applySetFields,
          metadataMatch,
          metadataWrite,
          instructions,
          config: reader.u32(),
        };
      }
      const maxEntries = reader.u32();
      const active = reader.u32();
      const lookups = reader.u64();
      tables.push({ table, active, lookups, matched: reader.u64(), legacy: { ...legacy, maxEntries } });
    }
    return { tables };
  },
  encode(message, w, version): void {
    for (const table of message.tables) {
      const start = w.reserve(version === 1 || version >= 4 ? 4 : 8);
      w.view.setUint8(start, table.table);
      if (version < 4) {
        const legacy = table.legacy ?? { ...NOTHING, name: "", maxEntries: 0, wildcards: 0n };
        putText(w, legacy.name, 32);
        if (version < 3) {
          w.u32(Number(legacy.wildcards));
          if (version === 2) {
            w.u32(Number(legacy.match));
            w.u32(legacy.instructions);
            w.u32(legacy.writeActions);
            w.u32(legacy.applyActions);
            w.u32(legacy.config);
          }
        } else {
          w.u64(legacy.match);
          w.u64(legacy.wildcards);
          w.u32(legacy.writeActions);
          w.u32(legacy.applyActions);
          w.u64(legacy.writeSetFields);
          w.u64(legacy.applySetFields);
          w.u64(legacy.metadataMatch);
          w.u64(legacy.metadataWrite);
          w.u32(legacy.instructions);
          w.u32(legacy.config);
        }
        w.u32(legacy.maxEntries);
      }
      w.u32(table.active);
      w.u64(table.lookups);
      w.u64(table.matched);
    }
  },
};
