/** What completion/complete refers to: a prompt, a resource template or a resource. */
import { isStringAt, type Member, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import { only, type Params, ParamsError } from '../protocol/params.ts';
import { type Resolve, resolvePrompt, resolveTemplate } from './resolve.ts';

/** By `ref.type`: the member of `ref` that names the thing referred to, and how that is found. */
const NAMED_BY: ReadonlyMap<string, { readonly key: string; readonly resolve: Resolve }> = new Map([
  ['ref/prompt', { key: 'name', resolve: resolvePrompt }],
  ['ref/resource', { key: 'uri', resolve: resolveTemplate }],
]);

/** What a request refers to. @throws ParamsError */
export function referenceOf(
  message: Message,
  params: Params,
): { readonly text: string; readonly at: Member; readonly resolve: Resolve } {
  const ref = params.object('ref');
  if (!ref) throw new ParamsError('"ref" must be an object');
  const type = stringIn(message, ref, 'type');
  const by = NAMED_BY.get(type.text);
  if (!by) throw new ParamsError('"ref.type" must be "ref/prompt" or "ref/resource"');
  return { ...stringIn(message, ref, by.key), resolve: by.resolve };
}

function stringIn({ bytes }: Message, ref: readonly Member[], key: string): { text: string; at: Member } {
  const at = only(ref, key);
  if (!at || !isStringAt(bytes, at.start)) throw new ParamsError(`"ref.${key}" must be a string`);
  return { text: textOf(bytes, at.start, at.end), at };
}
