/** Which request a message answers of which only both ends are known. */

const VERSION = String.raw`"jsonrpc"\s*:\s*"2\.0"`;
const ID = String.raw`"id"\s*:\s*(\d+)`;
const ANSWER = '"(?:result|error)"';
const start = String.raw`^\s*\{\s*`;
const next = String.raw`\s*,\s*`;
const HEADS = [`${VERSION}${next}${ID}`, `${ID}${next}${VERSION}`].map(
  (both) => new RegExp(`${start}${both}${next}${ANSWER}`),
);
const WITHOUT_ID = new RegExp(`${start}(?:${VERSION}${next})?${ANSWER}`);
/** The last brace closes the message itself, so that what stands before it is a member of the message. */
const TAIL = new RegExp(String.raw`,\s*(?:${VERSION}${next})?${ID}\s*(?:,\s*${VERSION}\s*)?\}\s*$`);

/** How much of the front and of the end of a message is looked at, bytes. */
const EDGE = 128;

/**
 * The id of the request that a text was to answer that is no JSON, as {@link idOfAnswer} finds it.
 * @param at where it is none
 * @returns `undefined` also for one without an end: that is noise, which the answer itself may follow
 */
export const idOfBroken = (bytes: Buffer, at: number): number | undefined =>
  at < bytes.length ? idOfAnswer(bytes.subarray(0, EDGE), bytes.subarray(-EDGE)) : undefined;

/**
 * The id of the request that is answered, wherever servers write it: at the front or at the end.
 * @returns `undefined` for messages that are no answers, and where it cannot be told for sure
 */
export function idOfAnswer(head: Buffer, tail: Buffer): number | undefined {
  const [front, end] = [head.toString('latin1'), tail.toString('latin1')];
  const inFront = HEADS.map((pattern) => pattern.exec(front)?.[1]).find((id) => id !== undefined);
  const id = inFront ?? (WITHOUT_ID.test(front) ? TAIL.exec(end)?.[1] : undefined);
  return id === undefined ? undefined : Number(id);
}
