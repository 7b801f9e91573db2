/**
 * What a check found, before it is known where in the file that is.
 *
 * The message continues its subject: the value at `path` (the default), `"x" is not a URL`, or the last key of `path`,
 * `"a b" is not a header name`. With the subject `none` it stands alone. `mend` tells an admin what to do.
 */
export interface Finding {
  readonly message: string;
  readonly mend: string;
  readonly path?: readonly PropertyKey[];
  readonly subject?: 'value' | 'key' | 'none';
}
