/**
 * A call during which the person is asked: in the legacy era on the stream of the call, answered by a request of its own; in
 * the modern era by a result that asks for input, answered by the call made again.
 */
import type { Pool } from 'undici';
import { type CallEnd, type CallSpec, callBody, faultOf } from './call.ts';
import { parseReply } from './session.ts';

const YES = { action: 'accept', content: { yes: true } };

/** Makes the call and answers what is asked. Never rejects: what goes wrong is in the outcome. */
export async function callAndAnswer(pool: Pool, path: string, spec: CallSpec): Promise<CallEnd> {
  const started = performance.now();
  const run = spec.session.era === 'modern' ? modern : legacy;
  const error = await run(pool, path, spec).catch((cause: unknown) => String(cause));
  return { ms: performance.now() - started, error };
}

async function legacy(pool: Pool, path: string, spec: CallSpec): Promise<string | undefined> {
  const { headers } = spec.session;
  const answer = await pool.request({ method: 'POST', path, headers, body: callBody(spec) });
  let text = '';
  let answered = false;
  for await (const chunk of answer.body.setEncoding('utf8')) {
    text += chunk as string;
    const asked = answered ? undefined : /^data: ?(.*"elicitation\/create".*)$/m.exec(text)?.[1];
    if (asked === undefined) continue;
    answered = true;
    const { id } = JSON.parse(asked) as { id: unknown };
    const body = JSON.stringify({ jsonrpc: '2.0', id, result: YES });
    const taken = await pool.request({ method: 'POST', path, headers, body });
    await taken.body.dump();
    if (taken.statusCode !== 202) return `the answer was met with status ${taken.statusCode}`;
  }
  if (!answered) return `nothing was asked: ${text.slice(0, 200)}`;
  return faultOf(spec, answer.statusCode, String(answer.headers['content-type']), text);
}

async function modern(pool: Pool, path: string, spec: CallSpec): Promise<string | undefined> {
  const { headers } = spec.session;
  const post = async (body: string) => {
    const answer = await pool.request({ method: 'POST', path, headers, body });
    return { status: answer.statusCode, type: String(answer.headers['content-type']), text: await answer.body.text() };
  };
  const first = await post(callBody(spec));
  const { result } = parseReply(first.type, first.text) as {
    result?: { inputRequests?: object; requestState?: string };
  };
  if (!result?.inputRequests) return `nothing was asked: ${first.text.slice(0, 200)}`;
  const inputResponses = Object.fromEntries(Object.keys(result.inputRequests).map((key) => [key, YES]));
  const last = await post(callBody(spec, { inputResponses, requestState: result.requestState }));
  return faultOf(spec, last.status, last.type, last.text);
}
