/**
 * Passwords and what is kept of them: `scrypt$N$r$p$salt$hash`, salt and hash in base64url (RFC 7914). The parameters are
 * in the text, so that those of later versions may be stronger.
 */
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';

interface Parameters {
  /** Blocks in memory, a power of two; with `r` 8 each is a KiB. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

interface Kept extends Parameters {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** 32 MiB and some tenths of a second for each password. */
const OWN: Parameters = { N: 32_768, r: 8, p: 3 };
const SALT = 16;
const HASH = 32;
/** What a hash that somebody wrote may cost, bytes and work in blocks. */
const MOST_MEMORY = 256 * 1_048_576;
const MOST_WORK = 8_388_608;

/** Passwords longer than this are wrong, bytes: hashing begins by reading all of it. */
const LONGEST = 1_024;
/** Fewest characters of one that is set. */
export const SHORTEST_PASSWORD = 10;

/** As many are hashed at once: the threads that do it also look up names and read files, and there are four of them. */
const AT_ONCE = 2;
/** As many may wait for their turn: the last of them for some seconds. */
const MOST_WAITING = 32;

/** Too many passwords are being checked; try again in a moment. */
export class Busy extends Error {}

/** Takes turns, and refuses who would have to wait for too long. */
export class Turns {
  readonly #limit: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limit = AT_ONCE, mostWaiting = MOST_WAITING) {
    this.#limit = limit;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws Busy, without having called `work` */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#limit) this.#taken++;
    else if (this.#waiting.length >= this.#mostWaiting) throw new Busy('too many passwords are being checked');
    else await new Promise<void>((turn) => this.#waiting.push(turn));
    try {
      return await work();
    } finally {
      // the turn is handed on as it is, so that nobody comes in between
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    }
  }
}

const turns = new Turns();

/** @returns what to keep of a password */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT);
  const hash = await derive(password, { ...OWN, salt, hash: Buffer.alloc(HASH) });
  const { N, r, p } = OWN;
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Nobody's: what the password of a user who is not there is compared with. */
const NOBODYS: Kept = { ...OWN, salt: randomBytes(SALT), hash: randomBytes(HASH) };

/**
 * Whether a password is the one that `kept` was made of. Takes as long when there is none.
 * @throws Busy when too many are being checked
 */
export async function checkPassword(password: string, kept: string | undefined): Promise<boolean> {
  const found = kept === undefined ? undefined : readKept(kept);
  const against = found ?? NOBODYS;
  const given = Buffer.byteLength(password) > LONGEST ? '' : password;
  const hash = await turns.take(() => derive(given, against));
  const equal = timingSafeEqual(hash, against.hash);
  return equal && found !== undefined && given === password && password !== '';
}

/** Whether a text is what {@link hashPassword} gives, or the like with other parameters that are not beyond measure. */
export const isPasswordHash = (text: string): boolean => readKept(text) !== undefined;

function readKept(text: string): Kept | undefined {
  const [, N, r, p, salt, hash] =
    /^scrypt\$(\d{4,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{11,86})\$([\w-]{43,86})$/.exec(text) ?? [];
  if (hash === undefined) return undefined;
  const kept = {
    ...{ N: Number(N), r: Number(r), p: Number(p) },
    ...{ salt: Buffer.from(salt!, 'base64url'), hash: Buffer.from(hash, 'base64url') },
  };
  const sound = kept.r > 0 && kept.p > 0 && Number.isInteger(Math.log2(kept.N));
  const bearable = 128 * kept.N * kept.r <= MOST_MEMORY && kept.N * kept.r * kept.p <= MOST_WORK;
  return sound && bearable ? kept : undefined;
}

/** The same characters may be typed in more than one way; they are brought to one (RFC 8265 §4.2.2). */
function derive(password: string, { N, r, p, salt, hash }: Kept): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer) => (error ? reject(error) : resolve(key));
    scrypt(password.normalize('NFC'), salt, hash.length, { N, r, p, maxmem: 2 * MOST_MEMORY }, done);
  });
}

/** Without those that are taken for others. */
const CHARACTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** @returns a password of 100 bits that can be read out and typed, such as `x3k9p-…` */
export function makePassword(): string {
  const part = () => Array.from({ length: 5 }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join('');
  return Array.from({ length: 4 }, part).join('-');
}

/** @returns what is wrong with a password that somebody chose, and the mend; `undefined` when it will do */
export function weakness(password: string, user: string): string | undefined {
  const length = [...password].length;
  if (length < SHORTEST_PASSWORD) return `it has ${length} characters; use ${SHORTEST_PASSWORD} or more`;
  if (Buffer.byteLength(password) > LONGEST) return `it is longer than ${LONGEST} bytes; use a shorter one`;
  if (new Set(password.toLowerCase()).size < 4) return 'it repeats a few characters; use more different ones';
  if (password.toLowerCase().includes(user.toLowerCase()) && user.length > 3)
    return 'it has the user name in it; use one without';
  return undefined;
}
