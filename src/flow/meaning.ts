/** Bytes that are equal exactly for values that mean the same; the very same array when it is already in that form. */
export function instructionsMeaning(bytes: Uint8Array): Uint8Array {
  return bytes;
}
