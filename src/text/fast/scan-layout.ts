/**
 * The memory of the scanner in WebAssembly (scan-core.ts), in 32-bit words, and the numbers that it shares with its host:
 *
 * ```text
 *      0  state: where it stands, what the line has said so far
 *     64  VALUES     four words a slot of match-slots.ts, right-aligned         ┐ of the present line
 *    256  MASKS      likewise                                                  │
 *    432  REGS, REG_MASKS   sixteen registers                                  ┘
 *    512  MATCH_NAMES, ACTION_NAMES, TARGET_NAMES   open addressing, NAME_WORDS a slot   ┐ filled by the host
 *   6144  HEADERS, WIDTHS   by slot of match-slots.ts                                    ┘
 *   6400  TEMPLATE   a ct with stand-ins for address and port
 *   8192  MEMO       open addressing: hash, context, first byte of the text, text bytes << 16 | result bytes, 0 bytes of text = free
 *  73728  MEMO_BYTES texts of actions, each with its result behind it            (host)
 * 270336  TEXT       the lines to read                                          (host)
 * 401408  FLOWS      what they are, as FlowList lays flows out
 * ```
 */
export const POS = 0;
export const END = 1;
export const WORD0 = 2;
export const WORD1 = 3;
export const WORD2 = 4;
export const WORD3 = 5;
/** Where the line that is being read begins. */
export const LINE = 6;
/** The word behind the flows that have been read. */
export const NEXT_FLOW = 7;
export const PRESENT = 8;
export const PRESENT_HIGH = 9;
export const MASKED = 10;
export const MASKED_HIGH = 11;
export const REGS_SEEN = 12;
export const ETH_TYPE = 13;
export const IP_PROTO = 14;
export const VLAN_PRESENT = 15;
export const CT_INVALID = 16;
export const TABLE = 17;
export const PRIORITY = 18;
export const IDLE_TIMEOUT = 19;
export const HARD_TIMEOUT = 20;
export const FLAGS = 21;
export const COOKIE_HIGH = 22;
export const COOKIE_LOW = 23;
/** 1: bits outside a mask are cleared, 0: they are for the careful road. */
export const CLEARS_HOST_BITS = 24;
/** The text of an action that is not in the memo, and what it depends on. */
export const MISSING_START = 25;
export const MISSING_END = 26;
export const MISSING_CONTEXT = 27;
/** Of the template: its length, and what stands for the real address and port. */
export const TEMPLATE_LENGTH = 28;
export const NAT_ADDRESS = 29;
export const NAT_PORT = 30;
/** Flows that have been read. */
export const FLOW_COUNT = 31;

export const VALUES = 64;
export const MASKS = 256;
export const REGS = 432;
export const REG_MASKS = 448;

/** Words of a name's slot: its length (0 = free), the name in four words, and three that say what it means. */
export const NAME_WORDS = 8;
export const NAME_MEANING = 5;
export const MATCH_NAMES = 512;
export const MATCH_NAME_SLOTS = 512;
export const ACTION_NAMES = 4608;
export const ACTION_NAME_SLOTS = 64;
export const TARGET_NAMES = 5120;
export const TARGET_NAME_SLOTS = 128;
export const HEADERS = 6144;
export const WIDTHS = 6208;
export const TEMPLATE = 6400;
export const TEMPLATE_BYTES = 1024;
export const MEMO = 8192;
export const MEMO_SLOTS = 16384;
export const MEMO_SLOT_WORDS = 4;
export const MEMO_BYTES = 73728;
export const MEMO_BYTES_END = 270336;
export const TEXT = 270336;
export const TEXT_BYTES = 524288;
export const FLOWS = 401408;
export const FLOWS_END = 663552;
/** Room that there must be for one more flow. */
export const FLOW_ROOM = 24576;
export const PAGES = 41;

// A packed flow, as src/table/layout.ts draws it.
export const FLOW_ID = 0;
export const FLOW_LENGTHS = 1;
export const FLOW_COOKIE = 2;
export const FLOW_COOKIE_HIGH = 3;
export const FLOW_TIMEOUTS = 4;
export const FLOW_EXTRA = 5;
export const FLOW_DATA = 6;

// Results of `scan`.
/** All lines are read. */
export const DONE = 0;
/** LINE is for another road. */
export const ODD = 1;
/** There is no more room for flows; LINE is the next one. */
export const FULL = 2;
/** LINE needs an action that is not in the memo. */
export const MISSING = 3;

/** Entries of the memo that may lie behind each other. */
export const LONGEST_RUN = 64;

// Meanings of the names of actions.
export const RESUBMIT = 1;
export const OUTPUT = 2;
export const SET_FIELD = 3;
export const CONJUNCTION = 4;
export const DROP = 5;
/** An action whose canonical bytes depend on its text, the matched protocol and nothing else, and which may stand anywhere. */
export const REMEMBERED = 6;
