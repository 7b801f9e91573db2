/** The tables, as steps: each is run once, in this order, and `user_version` counts them. A step that was released stays as it is. */
export const MIGRATIONS: readonly string[] = [
  // what upstreams listed; `content` is JSON text, times are milliseconds since 1970
  `CREATE TABLE catalogs (key TEXT PRIMARY KEY, content BLOB NOT NULL, used_at INTEGER NOT NULL);
   CREATE INDEX catalogs_by_use ON catalogs (used_at);`,
  // what sealed texts are sealed with; `made_at` is milliseconds since 1970
  'CREATE TABLE seal_keys (id TEXT PRIMARY KEY, key BLOB NOT NULL, made_at INTEGER NOT NULL)',
  // calls that go on as tasks; `record` is JSON text, `until` is milliseconds since 1970
  `CREATE TABLE tasks (id TEXT PRIMARY KEY, principal TEXT NOT NULL, record TEXT NOT NULL, until INTEGER NOT NULL);
   CREATE INDEX tasks_by_principal ON tasks (principal, until);`,
  // what the sign-in keeps; ids are keyed hashes, `content` is sealed, times are milliseconds since 1970
  `CREATE TABLE oauth_records (kind TEXT NOT NULL, id TEXT NOT NULL, grant_id TEXT, uid TEXT, account TEXT,
     content TEXT NOT NULL, expires_at INTEGER, used_at INTEGER NOT NULL, consumed_at INTEGER, PRIMARY KEY (kind, id));
   CREATE INDEX oauth_records_by_grant ON oauth_records (grant_id);
   CREATE INDEX oauth_records_by_uid ON oauth_records (uid);
   CREATE INDEX oauth_records_by_account ON oauth_records (account);
   CREATE INDEX oauth_records_by_expiry ON oauth_records (expires_at);`,
  // what tokens of the sign-in are signed with; `key` is a sealed JWK, times are milliseconds since 1970
  'CREATE TABLE signing_keys (id TEXT PRIMARY KEY, key TEXT NOT NULL, made_at INTEGER NOT NULL, retired_at INTEGER)',
  // keys of machines; `hash` is SHA-256 of the secret, scopes and groups are JSON text, times are milliseconds since 1970
  `CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes TEXT NOT NULL,
     groups TEXT NOT NULL, made_at INTEGER NOT NULL, until INTEGER, used_at INTEGER);
   CREATE INDEX api_keys_by_name ON api_keys (name);`,
  // whose a record of the sign-in is, as a keyed hash of the client
  `ALTER TABLE oauth_records ADD COLUMN client TEXT;
   CREATE INDEX oauth_records_by_client ON oauth_records (client);`,
  // `record` is sealed from now on, `id` and `principal` are keyed hashes; what was kept as it was goes
  'DELETE FROM tasks',
];
