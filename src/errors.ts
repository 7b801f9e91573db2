/**
 * Every error Patchbay itself can answer with: one row each, with its JSON-RPC code, its HTTP status when it is decided
 * before dispatch, and its text. `{x}` in a text is filled from the details. `docs/errors.md` lists the same rows; a test
 * holds the two together.
 */

/** JSON-RPC 2.0 and MCP error codes. */
export const code = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  generic: -32000,
  resourceNotFound: -32002,
  urlElicitationRequired: -32042,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
} as const;

interface Row {
  readonly code: number;
  readonly status: number;
  readonly text: string;
}

const row = (code: number, status: number, text: string): Row => ({ code, status, text });

export const errors = {
  // front door: decided before dispatch, answered with this HTTP status
  methodNotAllowed: row(code.generic, 405, 'HTTP method {method} is not served here; use one of {allow}'),
  hostRefused: row(
    code.generic,
    403,
    'Host "{host}" is not in the allow-list; add it to server.allowedHosts or set server.publicUrl',
  ),
  originRefused: row(
    code.generic,
    403,
    'Origin "{origin}" is not in the allow-list; add it to server.allowedOrigins to let this page connect',
  ),
  profileUnknown: row(
    code.generic,
    404,
    'There is no profile "{profile}" here; what is served: {others}. Profiles are set in the config under profiles',
  ),
  unauthenticated: row(code.generic, 401, 'Sign in first: this needs an access token'),
  invalidToken: row(code.generic, 401, 'The access token is not good here: {detail}'),
  badCredentials: row(code.generic, 400, 'The credentials cannot be read: {detail}'),
  insufficientScope: row(code.generic, 403, 'This needs a token with the scope {scope}'),
  authUnavailable: row(code.generic, 503, 'The access token cannot be checked now: {detail}'),
  rateLimited: row(code.generic, 429, 'Too many requests ({limit}); try again in {seconds} s'),
  bodyTooLarge: row(code.generic, 413, 'The body is larger than server.maxBodySize ({limit} bytes)'),
  bodyTooDeep: row(code.invalidRequest, 400, 'The body is nested deeper than server.maxDepth ({limit})'),
  contentType: row(code.generic, 415, 'Content-Type must be application/json'),
  notAcceptable: row(code.generic, 406, 'Accept must list {need}'),
  parse: row(code.parseError, 400, 'The body is not valid JSON: {detail}'),
  invalidRequest: row(code.invalidRequest, 400, 'Not a JSON-RPC 2.0 message: {detail}'),
  invalidId: row(code.invalidRequest, 400, 'A request id must be a string or an integer'),
  batch: row(code.invalidRequest, 400, 'Batches are part of protocol version 2025-03-26 only: {detail}'),
  protocolVersion: row(
    code.invalidRequest,
    400,
    'MCP-Protocol-Version "{version}" is not supported here; supported: {supported}',
  ),
  unsupportedVersion: row(
    code.unsupportedVersion,
    400,
    'Protocol version "{version}" is not supported here; supported: {supported}',
  ),
  invalidEnvelope: row(code.invalidParams, 400, 'Invalid request envelope: {detail}'),
  methodNotServed: row(code.methodNotFound, 404, 'Method not found: {method}'),
  headerMismatch: row(code.headerMismatch, 400, 'Header and body disagree: {detail}'),
  missingCapability: row(code.missingCapability, 400, 'This needs a client capability that was not declared: {detail}'),
  modernEnvelope: row(code.invalidParams, 400, '{detail}'),
  sessionMissing: row(code.generic, 400, 'Mcp-Session-Id header is required; send initialize first'),
  sessionUnknown: row(code.generic, 404, 'Session not found; send initialize to start a new one'),
  sessionLive: row(code.invalidRequest, 400, 'This session is already initialized'),
  sessionLimit: row(
    code.generic,
    429,
    'Too many open sessions for this principal (sessions.maxPerPrincipal is {limit}); close one first',
  ),
  eventUnknown: row(
    code.generic,
    400,
    'Last-Event-ID is not an event of this session, or what followed it is not kept any more; send the request again',
  ),
  draining: row(code.generic, 503, 'The gateway is shutting down; connect again in a moment'),
  workerLost: row(
    code.internalError,
    502,
    'The worker of the gateway that served this has ended; whether it took effect is unknown',
  ),

  // in band: HTTP 200 with a JSON-RPC error
  duplicateId: row(code.invalidRequest, 200, 'A request with id {id} is already in progress in this session'),
  tooManyInFlight: row(
    code.generic,
    200,
    'Too many requests in progress in this session (sessions.maxInFlight is {limit}); wait for one to finish',
  ),
  methodNotFound: row(code.methodNotFound, 200, 'Method not found: {method}'),
  invalidParams: row(code.invalidParams, 200, 'Invalid params for {method}: {detail}'),
  unknownTool: row(code.invalidParams, 200, 'Unknown tool: {name}'),
  quarantined: row(
    code.invalidParams,
    200,
    '{item} is quarantined here: upstream {upstream} has changed its definition since it was pinned; the admin can look at the change with `patchbay pin --diff`',
  ),
  fixedArgument: row(
    code.invalidParams,
    200,
    'The argument "{argument}" of {item} is set by the gateway and cannot be chosen; leave it out',
  ),
  itemRateLimited: row(code.generic, 200, '{item} may be used {often} by one user ({knob}); try again in {seconds} s'),
  resultTooLarge: row(
    code.internalError,
    200,
    'The result of {item} is larger than the {limit} bytes that {knob} allows; ask for less at once',
  ),
  unknownPrompt: row(code.invalidParams, 200, 'Unknown prompt: {name}'),
  resourceNotFound: row(code.invalidParams, 200, 'Resource not found: {uri}'),
  unknownResource: row(code.resourceNotFound, 200, 'Resource not found: {uri}'),
  unknownReference: row(code.invalidParams, 200, 'Unknown completion reference: {ref}'),
  unknownTask: row(code.invalidParams, 200, 'Unknown task: {task}'),
  invalidCursor: row(code.invalidParams, 200, 'Invalid or outdated cursor; list again from the start'),
  invalidState: row(
    code.invalidParams,
    200,
    'requestState is not valid for this request, or not any more; start the request again (what it did so far may have taken effect)',
  ),
  tooManyParked: row(
    code.internalError,
    200,
    'Too many calls wait for answers of their clients (sessions.maxParked is {limit}); answer or drop some first',
  ),
  tooManyTasks: row(
    code.internalError,
    200,
    'Too many tasks are running (sessions.maxParked is {limit}); wait for one to finish, or cancel one',
  ),
  declined: row(
    code.internalError,
    200,
    'Upstream {upstream} needs a web page to be visited first, which was declined',
  ),
  notBridged: row(code.internalError, 200, 'Upstream {upstream} cannot be answered here: {detail}'),
  notSubscribed: row(code.invalidParams, 200, 'Not subscribed to {uri}: {detail}'),
  upstreamUnavailable: row(code.internalError, 200, 'Upstream {upstream} is not available: {detail}'),
  linkLimit: row(
    code.generic,
    200,
    'All {limit} links to upstream {upstream} that {knob} allows are in use; end a session that is not needed, or raise {knob}',
  ),
  upstreamTimeout: row(
    code.internalError,
    200,
    'Upstream {upstream} did not answer {method} within {ms} ms ({knob}); the request was cancelled there',
  ),
  upstreamLost: row(
    code.internalError,
    200,
    'Upstream {upstream} was lost while {method} was in progress ({detail}); whether it took effect is unknown',
  ),
  upstreamMalformed: row(code.internalError, 200, 'Upstream {upstream} sent a malformed answer to {method}: {detail}'),
  upstreamStatus: row(code.internalError, 200, 'Upstream {upstream} answered HTTP {status} to {method}{detail}'),
  answerLost: row(
    code.internalError,
    200,
    'The answer to {method} did not get to its end, and it was too large to be kept (sessions.events.maxBytes)',
  ),
  cutOff: row(
    code.internalError,
    200,
    'The gateway is shutting down while {method} is in progress; whether it took effect is unknown',
  ),
  // with 401 a client would sign in and send it again, whatever it did already
  takenBack: row(
    code.generic,
    200,
    'The credentials that {method} was sent with were taken back while it was in progress; whether it took effect is unknown',
  ),
  internal: row(code.internalError, 200, 'Internal error in the gateway; its log has the details'),
} as const satisfies Record<string, Row>;

export type ErrorName = keyof typeof errors;

/** An error of Patchbay's own, ready to be answered: `name` is its row, `status` the HTTP status outside of dispatch. */
export class Fault extends Error {
  readonly fault: ErrorName;
  readonly code: number;
  readonly status: number;
  readonly data: Record<string, unknown> | undefined;
  /** The id of the request it answers, as it was spelled, where that is known. */
  id: string | undefined;
  /** What filled the text; for programs, never sent. */
  readonly details: Readonly<Record<string, string | number>>;

  constructor(fault: ErrorName, details: Record<string, string | number> = {}, data?: Record<string, unknown>) {
    const { code, status, text } = errors[fault];
    super(fill(text, details));
    this.name = 'Fault';
    this.fault = fault;
    this.code = code;
    this.status = status;
    this.data = data;
    this.details = details;
  }
}

const LONGEST_DETAIL = 300;

function fill(text: string, details: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => {
    if (!Object.hasOwn(details, key)) return whole;
    const value = String(details[key]);
    return value.length > LONGEST_DETAIL ? `${value.slice(0, LONGEST_DETAIL)}…` : value;
  });
}
