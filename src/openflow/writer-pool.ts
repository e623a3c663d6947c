import { ByteWriter } from "../bytes.ts";

/** Bytes that are encoded before they are handed to the socket: large enough to make the price of a write small. */
export const PIECE_BYTES: number = 64 * 1024;
/** Writers kept for later, for all connections of the process together: a megabyte. */
const MOST_SPARE = 16;

const spare: ByteWriter[] = [];

/** An empty writer with room for a piece. Fresh memory is cleared and later collected, which costs as much as encoding into it. */
export function takeWriter(): ByteWriter {
  const writer = spare.pop() ?? new ByteWriter(PIECE_BYTES + 4096);
  writer.length = 0;
  return writer;
}

/** Nobody reads or writes this writer's memory any more. One that has grown is let go. */
export function giveWriter(writer: ByteWriter): void {
  if (spare.length < MOST_SPARE && writer.buffer.length === PIECE_BYTES + 4096) spare.push(writer);
}
