/** A variable's value: a string, a list, or pairs. Absent is undefined in the sense of RFC 6570 §2.3. */
export type Value = string | readonly string[] | Readonly<Record<string, string>>;
export type Values = Readonly<Record<string, Value>>;

interface Style {
  readonly first: string;
  readonly between: string;
  readonly named: boolean;
  readonly ifEmpty: string;
  readonly reserved: boolean;
}

const style = (first: string, between: string, named: boolean, ifEmpty: string, reserved: boolean): Style => ({
  first,
  between,
  named,
  ifEmpty,
  reserved,
});

/** RFC 6570 appendix A. */
const STYLES: Readonly<Record<string, Style>> = {
  '': style('', ',', false, '', false),
  '+': style('', ',', false, '', true),
  '#': style('#', ',', false, '', true),
  '.': style('.', '.', false, '', false),
  '/': style('/', '/', false, '', false),
  ';': style(';', ';', true, '', false),
  '?': style('?', '&', true, '=', false),
  '&': style('&', '&', true, '=', false),
};

/** Expands a valid template, RFC 6570 §3. The models of the tests are held to this, and it to the examples of the RFC. */
export function expand(template: string, values: Values): string {
  return template.replace(/\{([+#./;?&]?)([^}]+)\}|[^{]+/g, (literal, operator: string | undefined, list: string) =>
    operator === undefined ? encode(literal, true) : expression(STYLES[operator]!, list.split(','), values),
  );
}

function expression(as: Style, specs: readonly string[], values: Values): string {
  const parts = specs.flatMap((spec) => {
    const [, name, star, limit] = /^(.+?)(\*)?(?::(\d+))?$/.exec(spec)!;
    const value = Object.hasOwn(values, name!) ? values[name!]! : undefined;
    return value === undefined ? [] : variable(as, name!, value, star !== undefined, limit);
  });
  return parts.length === 0 ? '' : as.first + parts.join(as.between);
}

function variable(as: Style, name: string, value: Value, explode: boolean, limit: string | undefined): string[] {
  const coded = (text: string) => encode(text, as.reserved);
  const named = (key: string, text: string) => (as.named ? key + (text === '' ? as.ifEmpty : `=${text}`) : text);
  if (typeof value === 'string') {
    return [named(name, coded(limit === undefined ? value : [...value].slice(0, Number(limit)).join('')))];
  }
  const pairs = Array.isArray(value) ? undefined : Object.entries(value);
  const items = pairs === undefined ? (value as readonly string[]).map(coded) : [];
  if ((pairs ?? items).length === 0) return [];
  if (!explode) return [named(name, [...items, ...(pairs ?? []).flat().map(coded)].join(','))];
  if (pairs === undefined) return items.map((item) => named(name, item));
  return pairs.map(([key, text]) => (as.named ? named(coded(key), coded(text)) : `${coded(key)}=${coded(text)}`));
}

function encode(text: string, reserved: boolean): string {
  const coded = encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (c) => `%${hex(c)}`);
  if (!reserved) return coded;
  const kept = coded.replace(/%(?:3A|2F|3F|23|5B|5D|40|21|24|26|27|28|29|2A|2B|2C|3B|3D)/g, decodeURIComponent);
  return kept.replace(/%25(?=[0-9A-Fa-f]{2})/g, '%');
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase();
}
