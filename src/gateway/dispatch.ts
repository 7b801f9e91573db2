/** The step from a call to the method that serves it. */
import { Fault } from '../errors.ts';
import type { MethodContext } from '../methods/context.ts';
import { methods } from '../methods/table.ts';
import type { Call } from '../protocol/call.ts';
import { Params, ParamsError } from '../protocol/params.ts';

/** Runs one request to its method. Whatever goes wrong ends as the call's own error. */
export function dispatch(context: MethodContext, call: Call): void {
  try {
    const method = methods[call.client.era].get(call.method);
    if (!method) throw new Fault('methodNotFound', { method: call.method });
    const params = new Params(call.message);
    call.params = params;
    call.progressToken = params.progressToken();
    const later = method(context, call, params);
    if (later) later.catch((error: unknown) => fail(context, call, error));
  } catch (error) {
    fail(context, call, error);
  }
}

function fail(context: MethodContext, call: Call, error: unknown): void {
  if (error instanceof Fault) return call.sink.done({ kind: 'error', error });
  if (error instanceof ParamsError) {
    const fault = new Fault('invalidParams', { method: call.method, detail: error.message });
    return call.sink.done({ kind: 'error', error: fault });
  }
  context.log.error({ err: error, method: call.method }, 'a call failed inside the gateway');
  call.sink.done({ kind: 'error', error: new Fault('internal') });
}
