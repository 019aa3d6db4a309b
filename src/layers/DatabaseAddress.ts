import type { DatabaseTls } from "./DatabaseTls.ts"

/** Where one PostgreSQL listens; a name that begins with `/` is the folder of a Unix socket. */
export interface DatabaseHost {
  readonly name: string
  readonly port: number
}

export const targets = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const

/** What a server must be to be taken, as libpq's `target_session_attrs` has it. */
export type Target = (typeof targets)[number]

/** What a `postgres://` URL says, read as libpq does. */
export interface DatabaseAddress {
  readonly hosts: readonly [DatabaseHost, ...ReadonlyArray<DatabaseHost>]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly tls: DatabaseTls
  readonly target: Target
  readonly applicationName: string | undefined
  /** Settings of the session, as in `-c statement_timeout=5s`. */
  readonly options: string | undefined
  /** In seconds, 0 for ever. */
  readonly connectTimeout: number | undefined
}

export const nameOf = ({ name, port }: DatabaseHost): string =>
  name.startsWith("/") ? name : `${name.includes(":") ? `[${name}]` : name}:${port}`
