/** HTTP header names and rules of the Streamable HTTP transport. */

export const SESSION_HEADER = 'mcp-session-id';
export const VERSION_HEADER = 'mcp-protocol-version';
export const METHOD_HEADER = 'mcp-method';
export const NAME_HEADER = 'mcp-name';
/** The headers of tools begin with this. */
export const PARAM_PREFIX = 'mcp-param-';

export const SERVED_METHODS = 'POST, GET, DELETE, OPTIONS';

/** What a browser may send. `Mcp-Param-*` is open-ended and echoed, see {@link allowedHeaders}. */
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Last-Event-ID',
  'DPoP',
  'X-API-Key',
  'Mcp-Method',
  'Mcp-Name',
  'traceparent',
  'tracestate',
  'baggage',
];

const PARAM_HEADER = /^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** What a browser may read. */
export const EXPOSED_HEADERS = 'Mcp-Session-Id, WWW-Authenticate, Retry-After, MCP-Protocol-Version';

/** The value of `Access-Control-Allow-Headers` for a preflight that asks for `requested`. */
export function allowedHeaders(requested: string | undefined): string {
  const params = (requested ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => PARAM_HEADER.test(name.toLowerCase()));
  return [...REQUEST_HEADERS, ...params].join(', ');
}

/** Whether an `Accept-Encoding` header takes gzip (RFC 9110 §12.5.3); a missing one is no reason to send it. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  let others = false;
  for (const part of header.toLowerCase().split(',')) {
    const [coding = '', ...params] = part.split(';').map((text) => text.trim());
    if (coding !== 'gzip' && coding !== 'x-gzip' && coding !== '*') continue;
    const weight = params.find((param) => param.startsWith('q='));
    const taken = weight === undefined || Number(weight.slice(2)) > 0;
    if (coding !== '*') return taken;
    others = taken;
  }
  return others;
}

/** What was found of `Accept` headers, of which clients have few; by media type. */
const judged = new Map<string, Map<string, boolean>>();
const MOST_JUDGED = 100;

/** Whether an `Accept` header takes this media type; a missing one takes everything. */
export function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return true;
  const known = judged.get(type) ?? new Map<string, boolean>();
  const found = known.get(accept);
  if (found !== undefined) return found;
  if (known.size >= MOST_JUDGED) known.clear();
  const taken = takes(accept, type);
  known.set(accept, taken);
  judged.set(type, known);
  return taken;
}

function takes(accept: string, type: string): boolean {
  if (accept.trim() === '') return true;
  const group = `${type.slice(0, type.indexOf('/'))}/*`;
  return accept.split(',').some((range) => {
    const name = range.split(';', 1)[0]!.trim().toLowerCase();
    return name === type || name === group || name === '*/*';
  });
}
