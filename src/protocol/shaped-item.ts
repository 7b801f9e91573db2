/** Listed items with another title or description, or without some of their arguments; all the rest byte for byte. */
import { type Edit, removeElements, removeMembers, setMember } from './json/edit.ts';
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  type Member,
  memberOf,
  members,
  type Span,
  textOf,
} from './json/scan.ts';

/** What clients are to see in place of what an upstream says. */
export interface ItemTexts {
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Names of arguments that are not shown. */
  readonly hidden: ReadonlySet<string>;
  /** Descriptions by the names of arguments. */
  readonly descriptions: ReadonlyMap<string, string>;
}

/** The edits of an item, and the arguments that were named but are none of it. */
export interface ItemEdits {
  readonly edits: readonly Edit[];
  readonly unknown: readonly string[];
}

/** Schemas in which what is said of the same object goes on (JSON Schema 2020-12, core §10.2.1). */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf'];

/** @param raw the JSON text of a tool */
export function toolEdits(raw: Buffer, texts: ItemTexts): ItemEdits {
  const list = members(raw, 0);
  const edits = textEdits(raw, list, texts);
  const annotations = memberOf(list, 'annotations');
  // clients of 2025-03-26 look for the title there
  if (texts.title !== undefined && annotations && isObjectAt(raw, annotations.start)) {
    const inside = members(raw, annotations.start);
    if (memberOf(inside, 'title')) edits.push(setMember(annotations, inside, 'title', JSON.stringify(texts.title)));
  }
  const schema = memberOf(list, 'inputSchema');
  const found = new Set<string>();
  if (schema) schemaEdits(raw, schema, texts, edits, found);
  return { edits, unknown: unknownOf(texts, found) };
}

/** @param raw the JSON text of a prompt */
export function promptEdits(raw: Buffer, texts: ItemTexts): ItemEdits {
  const list = members(raw, 0);
  const edits = textEdits(raw, list, texts);
  const found = new Set<string>();
  const args = memberOf(list, 'arguments');
  if (args && isArrayAt(raw, args.start)) {
    const all = elements(raw, args.start);
    const names = new Map(all.map((element) => [element, nameIn(raw, element)]));
    const goes = (element: Span): boolean => texts.hidden.has(names.get(element) ?? '');
    for (const element of all) {
      const name = names.get(element);
      if (name === undefined) continue;
      found.add(name);
      const description = texts.descriptions.get(name);
      if (description !== undefined && !goes(element))
        edits.push(setMember(element, members(raw, element.start), 'description', JSON.stringify(description)));
    }
    edits.push(...removeElements(all, goes));
  }
  return { edits, unknown: unknownOf(texts, found) };
}

/** @param raw the JSON text of a resource or a resource template, which has no arguments that could be hidden */
export const resourceEdits = (raw: Buffer, texts: ItemTexts): ItemEdits => ({
  edits: textEdits(raw, members(raw, 0), texts),
  unknown: [],
});

function textEdits(raw: Buffer, list: readonly Member[], { title, description }: ItemTexts): Edit[] {
  const whole = { start: 0, end: raw.length };
  const edits: Edit[] = [];
  if (title !== undefined) edits.push(setMember(whole, list, 'title', JSON.stringify(title)));
  if (description !== undefined) edits.push(setMember(whole, list, 'description', JSON.stringify(description)));
  return edits;
}

/** Takes arguments out of a schema of objects, and out of those that are about the same object. */
function schemaEdits(raw: Buffer, schema: Span, texts: ItemTexts, edits: Edit[], found: Set<string>): void {
  if (!isObjectAt(raw, schema.start)) return;
  const list = members(raw, schema.start);
  const { hidden } = texts;
  const properties = objectIn(raw, list, 'properties');
  for (const property of properties) {
    found.add(property.key);
    const description = texts.descriptions.get(property.key);
    if (description === undefined || hidden.has(property.key) || !isObjectAt(raw, property.start)) continue;
    edits.push(setMember(property, members(raw, property.start), 'description', JSON.stringify(description)));
  }
  const isHidden = ({ key }: Member): boolean => hidden.has(key);
  edits.push(...removeMembers(properties, isHidden));
  for (const keyword of ['dependentSchemas', 'dependencies'])
    edits.push(...removeMembers(objectIn(raw, list, keyword), isHidden));
  const dependent = objectIn(raw, list, 'dependentRequired');
  edits.push(...removeMembers(dependent, isHidden));
  for (const member of dependent) if (!isHidden(member)) edits.push(...requiredEdits(raw, member, hidden));
  const required = memberOf(list, 'required');
  const none = required && isArrayAt(raw, required.start) && namesIn(raw, required).every((name) => hidden.has(name));
  if (none) edits.push(...removeMembers(list, ({ key }) => key === 'required'));
  else if (required) edits.push(...requiredEdits(raw, required, hidden));
  for (const keyword of IN_PLACE) {
    const at = memberOf(list, keyword);
    if (!at || !isArrayAt(raw, at.start)) continue;
    for (const element of elements(raw, at.start)) schemaEdits(raw, element, texts, edits, found);
  }
}

function requiredEdits(raw: Buffer, required: Span, hidden: ReadonlySet<string>): Edit[] {
  if (!isArrayAt(raw, required.start)) return [];
  return removeElements(elements(raw, required.start), (element) => hidden.has(textAt(raw, element) ?? ''));
}

const namesIn = (raw: Buffer, array: Span): string[] =>
  elements(raw, array.start).map((element) => textAt(raw, element) ?? '');

const textAt = (raw: Buffer, { start, end }: Span): string | undefined =>
  isStringAt(raw, start) ? textOf(raw, start, end) : undefined;

function nameIn(raw: Buffer, element: Span): string | undefined {
  const at = isObjectAt(raw, element.start) ? memberOf(members(raw, element.start), 'name') : undefined;
  return at && textAt(raw, at);
}

function objectIn(raw: Buffer, list: readonly Member[], key: string): Member[] {
  const at = memberOf(list, key);
  return at && isObjectAt(raw, at.start) ? members(raw, at.start) : [];
}

const unknownOf = ({ hidden, descriptions }: ItemTexts, found: ReadonlySet<string>): string[] =>
  [...new Set([...hidden, ...descriptions.keys()])].filter((name) => !found.has(name));
