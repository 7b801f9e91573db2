/** Where URIs stand in content, as content-uris.ts has it, for content that comes in pieces. */
import type { ArrayPlan, ObjectPlan, Treatment } from '../protocol/json/flow.ts';
import { isStringAt, textOf } from '../protocol/json/scan.ts';
import type { ContentShape } from './content-uris.ts';

/** The JSON text that takes the place of that of a URI. */
export type Expose = (uri: Buffer) => Buffer;

/** Whether a URI in content is one at all; `undefined` as long as that is not known. */
type Applies = () => boolean | undefined;

const ALWAYS: Applies = () => true;

/** Puts every URI string in an array of this shape into its exposed form. */
export function flowingUris(shape: ContentShape, expose: Expose): ArrayPlan {
  switch (shape) {
    case 'contents':
      return { element: () => withUri(ALWAYS, expose) };
    case 'content':
      return { element: () => ({ object: block(ALWAYS, expose) }) };
    case 'messages':
      return {
        element: () => ({ object: { member: (key) => (key === 'content' ? blocks(ALWAYS, expose) : 'pass') } }),
      };
  }
}

/** One content block, or an array of them. */
function blocks(applies: Applies, expose: Expose): Treatment {
  return { object: block(applies, expose), array: { element: () => ({ object: block(applies, expose) }) } };
}

/** A content block, whose type may come behind what depends on it. */
function block(applies: Applies, expose: Expose): ObjectPlan {
  let type: string | null | undefined;
  const is = (wanted: string) => (): boolean | undefined => {
    if (type === undefined) return undefined;
    return type === wanted ? applies() : false;
  };
  const typed = (value: Buffer): undefined => {
    // where it occurs twice, the last one counts for what has not gone out by then
    type = isStringAt(value, 0) ? textOf(value, 0, value.length) : null;
  };
  return {
    member: (key) => {
      switch (key) {
        case 'type':
          return { take: typed };
        case 'uri':
          return uriAt(is('resource_link'), expose);
        case 'resource':
          return withUri(is('resource'), expose);
        case 'content':
          return blocks(is('tool_result'), expose);
      }
      return 'pass';
    },
    end: () => {
      type ??= null;
      return undefined;
    },
  };
}

const withUri = (applies: Applies, expose: Expose): Treatment => ({
  object: { member: (key) => (key === 'uri' ? uriAt(applies, expose) : 'pass') },
});

const uriAt = (applies: Applies, expose: Expose): Treatment => ({
  take: (value) => {
    if (!isStringAt(value, 0) || applies() === false) return undefined;
    return {
      settle: () => {
        const known = applies();
        if (known === undefined) return undefined;
        return known ? expose(value) : value;
      },
    };
  },
});
