/** The members of `_meta` that the protocol of the modern era defines (2026-07-28, general fields). */

const PREFIX = 'io.modelcontextprotocol/';

export const VERSION_KEY = `${PREFIX}protocolVersion`;
export const CAPABILITIES_KEY = `${PREFIX}clientCapabilities`;
export const CLIENT_KEY = `${PREFIX}clientInfo`;
export const LEVEL_KEY = `${PREFIX}logLevel`;
export const SERVER_KEY = `${PREFIX}serverInfo`;
export const SUBSCRIPTION_KEY = `${PREFIX}subscriptionId`;
export const TASK_KEY = `${PREFIX}related-task`;

/** What a client says of itself in every request, which each side says anew. */
export const ENVELOPE: ReadonlySet<string> = new Set([VERSION_KEY, CAPABILITIES_KEY, CLIENT_KEY, LEVEL_KEY]);

/** The extension for tasks. */
export const TASKS_EXTENSION = `${PREFIX}tasks`;
