/** Which log messages of upstreams a session gets, and how they are labelled. */
import { type Edit, insertMember } from '../protocol/json/edit.ts';
import { isStringAt, memberOf, textOf } from '../protocol/json/scan.ts';
import { type Message, messageBytes } from '../protocol/message.ts';

/** Severity of log messages, least first (RFC 5424 names). */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * @param least the least severe level wanted
 * @param label the upstream's name, put before the logger's; `undefined` where there is only one upstream
 * @returns the notification for the client, or `undefined` when it does not want it
 */
export function logFor(message: Message, least: LogLevel | undefined, label: string | undefined): Buffer | undefined {
  const { bytes, params, inParams: list } = message;
  if (!params || !list) return undefined;
  const level = memberOf(list, 'level');
  if (least !== undefined && level && isStringAt(bytes, level.start)) {
    const severity = (LOG_LEVELS as readonly string[]).indexOf(textOf(bytes, level.start, level.end));
    if (severity >= 0 && severity < LOG_LEVELS.indexOf(least)) return undefined;
  }
  if (label === undefined) return messageBytes(message);
  const logger = memberOf(list, 'logger');
  let edit: Edit;
  if (logger && isStringAt(bytes, logger.start)) {
    const text = JSON.stringify(`${label}/${textOf(bytes, logger.start, logger.end)}`);
    edit = { start: logger.start, end: logger.end, text };
  } else edit = insertMember(params, list, 'logger', JSON.stringify(label));
  return messageBytes(message, [edit]);
}
