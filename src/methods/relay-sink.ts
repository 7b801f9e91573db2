/**
 * Maps what an upstream answers to what the client may see: exposed names and URIs, in the terms of the client's era. It
 * sends a request again where that can do no harm, and where the upstream wants to know something first.
 */
import { addModern, stripModern, withoutRelatedTask } from '../bridge/convert/eras.ts';
import { isDated, resultFor } from '../bridge/convert/results.ts';
import { wrapsOutput } from '../bridge/convert/tools.ts';
import { readWanted, type Wanted } from '../bridge/driven-round.ts';
import { FlowingResult } from '../bridge/flowing-result.ts';
import { code, Fault } from '../errors.ts';
import type { Caching, Call, Drain, Outcome, Passage, Round, Sink } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { elements, isArrayAt, isStringAt, memberOf, members, textOf } from '../protocol/json/scan.ts';
import { type Message, messageBytes, paramsOf, readMessage, valueAt } from '../protocol/message.ts';
import { TASKS_EXTENSION } from '../protocol/meta.ts';
import { CAN_ASK, legacyMethods } from '../protocol/methods.ts';
import type { LegacyVersion } from '../protocol/versions.ts';
import { itemNamed } from '../upstreams/catalog.ts';
import { type MethodContext, serverInfo } from './context.ts';
import { Driver } from './drive.ts';
import { awaitResult, legacyTaskIn, TaskFollower } from './follow-task.ts';
import { sealedInput } from './input-required.ts';
import { PassingSink } from './passing-sink.ts';
import { relayedError } from './relayed-error.ts';
import { isRepeatable } from './repeatable.ts';
import { flowingUri, resultEdits } from './result-uris.ts';
import { refusal } from './shape-call.ts';
import { sealTask, taskEdits } from './task-ids.ts';
import { isTask } from './tasking.ts';
import { refreshHeaders } from './tool-headers.ts';

type Complete = Outcome & { kind: 'complete' };

/** What the legacy era reads may have changed since. */
const LEGACY_READ: Caching = { ttlMs: 0, cacheScope: 'private' };

export class RelaySink extends PassingSink {
  /** Who the request went to. */
  server: ServerFacts | undefined;
  readonly #context: MethodContext;
  readonly #call: Call;
  readonly #again: () => void;
  #driver: Driver | undefined;
  #repeated = false;
  #refreshed = false;
  /** Progress that the client was told of last, and what it had come to before the request was sent again. */
  #last: Buffer | undefined;
  #floor: number | undefined;
  /** Whether the client was asked for something. */
  #asked = false;

  /** @param again sends the call once more */
  constructor(context: MethodContext, call: Call, outer: Sink, again: () => void) {
    super(outer);
    this.#context = context;
    this.#call = call;
    this.#again = again;
  }

  override progress(notification: Buffer): void {
    // the client must see it increase, whatever number of requests it takes (2025-11-25, progress)
    if (this.#floor !== undefined && progressIn(notification) <= this.#floor) return;
    this.#last = notification;
    this.outer.progress(notification);
  }

  override input(round: Round): void {
    this.#asked = true;
    this.outer.input(round);
  }

  override done(outcome: Outcome): void {
    if (outcome.kind === 'error' && this.#mayRepeat(outcome)) {
      this.#repeated = true;
      return this.#sendAgain();
    }
    if (this.#isTooLarge(outcome)) return this.outer.done(refusal(this.#call, this.#call.resultLimit!.fault));
    if (outcome.kind !== 'complete') return this.outer.done(outcome);
    if (outcome.message.error) return this.#error(outcome.message);
    if (this.server?.era === 'modern') this.#fromModern(outcome.message);
    else this.#fromLegacy(outcome.message);
  }

  passage(size: number): Passage | undefined {
    const { method, client, target, principal, resultLimit, edits } = this.#call;
    const shape = legacyMethods.get(method)?.uris;
    // what is decided by all of a result has to be whole
    if (!shape || !this.server || resultLimit || edits.some(isTask) || this.#dated()) return undefined;
    const outlet = this.outer.outlet?.(size);
    if (!outlet) return undefined;
    const from = this.server.era;
    const read = method === 'resources/read';
    const cacheOfRead = from === 'modern' ? this.#cachingOfRead() : LEGACY_READ;
    const { upstream } = target!;
    const result = new FlowingResult({
      ...{ from, to: client.era, shape, expose: flowingUri(this.#context, this.#call) },
      server: serverInfo(this.#context, client),
      cache: read ? cacheOfRead : undefined,
      sealTask: (id) => sealTask(this.#context, { principal, client }, { upstream, id }),
    });
    const open = (): Drain => {
      this.#opened();
      return outlet.open();
    };
    return { id: outlet.id, result, open };
  }

  /** The app of an upstream is opened by reading its resource. */
  #opened(): void {
    const { method, target, principal } = this.#call;
    if (method === 'resources/read' && target!.name.startsWith('ui://'))
      this.#context.apps.open(principal.key, target!.upstream);
  }

  /** Whether the result is larger than it may be; where that was seen while it came, the rest of it was not taken. */
  #isTooLarge(outcome: Outcome): boolean {
    const { resultLimit } = this.#call;
    if (!resultLimit || outcome.kind === 'local') return false;
    if (outcome.kind === 'error') return outcome.error === resultLimit.fault;
    const { result } = outcome.message;
    return result !== undefined && result.end - result.start > resultLimit.bytes;
  }

  #sendAgain(): void {
    if (this.#call.ended) return;
    if (this.#last) this.#floor = progressIn(this.#last);
    try {
      this.#again();
    } catch (error) {
      this.outer.done({ kind: 'error', error: error instanceof Fault ? error : new Fault('internal') });
    }
  }

  #fromLegacy(message: Message): void {
    const { method, client, target } = this.#call;
    const taskId = method === 'tools/call' && this.#call.edits.some(isTask) ? legacyTaskIn(message) : undefined;
    if (taskId !== undefined) {
      awaitResult(this.#context, this.#call, taskId, this).catch((error: Error) => this.#fail(error.message));
      return;
    }
    if (client.era === 'legacy')
      return this.#finish(message, this.#call.edits.some(isTask) ? withoutRelatedTask(message) : []);
    if (method === 'resources/read' && isEmptyRead(message)) {
      const uri = target!.exposed;
      return this.outer.done({ kind: 'error', error: new Fault('resourceNotFound', { uri }, { uri }) });
    }
    const cache = method === 'resources/read' ? LEGACY_READ : undefined;
    const server = serverInfo(this.#context, this.#call.client);
    this.#finish(message, addModern(message, { resultType: 'complete', server, cache }));
  }

  #fromModern(message: Message): void {
    const { client } = this.#call;
    const type = resultTypeOf(message);
    if (type === 'input_required') return this.#inputRequired(message);
    const extensions = (client.capabilities.extensions ?? {}) as Record<string, unknown>;
    if (type === 'task' && client.era === 'legacy')
      return void new TaskFollower(this.#context, this.#call, this, message);
    if (type !== undefined && type !== 'complete' && (type !== 'task' || !Object.hasOwn(extensions, TASKS_EXTENSION)))
      return this.#fail(`it answered with a result of the unknown type ${JSON.stringify(type)}`);
    if (client.era === 'legacy') return this.#finish(message, stripModern(message));
    const server = serverInfo(this.#context, this.#call.client);
    const cache = this.#call.method === 'resources/read' ? this.#cachingOfRead() : undefined;
    this.#finish(message, addModern(message, { resultType: 'complete', server, cache }));
  }

  /** What came of answers is for those who gave them; what not everyone may read is for those who may. */
  #cachingOfRead(): Partial<Caching> | undefined {
    if (this.#call.continuation) return { ttlMs: 0, cacheScope: 'private' };
    return this.#context.grants.personal ? { cacheScope: 'private' } : undefined;
  }

  /** The upstream wants to know something before it goes on. */
  #inputRequired(message: Message): void {
    const wanted: Wanted | undefined = CAN_ASK.has(this.#call.method) ? readWanted(message) : undefined;
    if (!wanted) return this.#fail('its request for input is malformed');
    this.#asked = true;
    if (this.#call.client.era === 'legacy') {
      this.#driver ??= new Driver(this.#call, this.outer, () => this.#sendAgain());
      return this.#driver.drive(wanted);
    }
    const sealed = sealedInput(this.#context, this.#call, message, wanted);
    if (typeof sealed === 'string') return this.#fail(sealed);
    this.outer.done({ kind: 'complete', message, edits: sealed });
  }

  /** The result with its URIs in exposed form. @param edits what else is changed in it */
  #finish(message: Message, edits: Edit[]): void {
    const { method, target, principal, client } = this.#call;
    const facts = { principal, client };
    this.#opened();
    const shape = legacyMethods.get(method)?.uris;
    const uris = shape ? resultEdits(this.#context, this.#call, message, shape) : [];
    const tasks =
      this.server?.era === 'modern' ? taskEdits(this.#context, { ...facts, upstream: target!.upstream }, message) : [];
    const all = [...edits, ...uris, ...tasks];
    const dated = this.#dated();
    if (dated) {
      // what is put into other words may hold what was to be changed
      const whole = all.length > 0 ? readMessage(messageBytes(message, all)) : message;
      return this.outer.done({ kind: 'complete', message: whole, edits: resultFor(dated.version, whole, dated.wrap) });
    }
    this.outer.done(all.length > 0 ? { kind: 'complete', message, edits: all } : { kind: 'complete', message });
  }

  /** What makes a result another one for the client's version; `undefined` for most. */
  #dated(): { version: LegacyVersion; wrap: boolean } | undefined {
    const { client, method, target } = this.#call;
    if (client.era === 'modern') return undefined;
    const version = client.version as LegacyVersion;
    const catalog = this.#context.view(this.#call).catalogs.find(({ upstream }) => upstream === target!.upstream);
    const tool = method === 'tools/call' && catalog ? itemNamed(catalog.items.tools, target!.name) : undefined;
    const wrap = tool !== undefined && wrapsOutput(tool.raw);
    return wrap || isDated(version) ? { version, wrap } : undefined;
  }

  #error(message: Message): void {
    const at = memberOf(members(message.bytes, message.error!.start), 'code');
    if (at && valueAt(message.bytes, at) === code.headerMismatch && this.server?.era === 'modern' && !this.#refreshed) {
      this.#refreshed = true;
      refreshHeaders(this.#context, this.#call).then(
        () => this.#sendAgain(),
        () => this.#fail('it refuses the headers of the request'),
      );
      return;
    }
    const outcome = relayedError(this.#context, this.#call, message);
    if (outcome.kind !== 'complete') return this.outer.done(outcome);
    const { edits = [] } = outcome as Complete;
    // its code may be another one now, which the status follows
    this.outer.done({
      kind: 'complete',
      message: edits.length > 0 ? readMessage(messageBytes(message, edits)) : message,
    });
  }

  #fail(detail: string): void {
    const { upstream } = this.#call.target!;
    const { method } = this.#call;
    this.outer.done({ kind: 'error', error: new Fault('upstreamMalformed', { upstream, method, detail }) });
  }

  /** One more try: when the upstream has certainly not begun, or when beginning twice makes no difference. */
  #mayRepeat({ unsent, error }: Outcome & { kind: 'error' }): boolean {
    if (this.#repeated || this.#call.ended) return false;
    if (unsent) return true;
    return error.fault === 'upstreamLost' && !this.#asked && isRepeatable(this.#context, this.#call);
  }
}

function progressIn(notification: Buffer): number {
  const { progress } = paramsOf(readMessage(notification));
  return typeof progress === 'number' ? progress : Number.NaN;
}

function resultTypeOf({ bytes, result }: Message): string | undefined {
  const type = memberOf(members(bytes, result!.start), 'resultType');
  return type && isStringAt(bytes, type.start) ? textOf(bytes, type.start, type.end) : undefined;
}

/** Some servers answer like this for what they do not have, which the modern era does not allow. */
function isEmptyRead({ bytes, result }: Message): boolean {
  const contents = memberOf(members(bytes, result!.start), 'contents');
  return contents !== undefined && isArrayAt(bytes, contents.start) && elements(bytes, contents.start).length === 0;
}
