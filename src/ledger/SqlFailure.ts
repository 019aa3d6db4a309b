import type { SqlError } from "effect/sql"

/** PostgreSQL's five-character code for what went wrong; undefined where the server said nothing. */
export const sqlState = (error: SqlError.SqlError): string | undefined =>
  codesOf(error).find((code) => /^[0-9A-Z]{5}$/.test(code))

/**
 * Whether the database refused the data itself (class 22, data exception, or 23, integrity constraint), so that
 * asking again is no use. Anything else is an outage: time heals it, or an operator.
 */
export const refusesData = (error: SqlError.SqlError): boolean => {
  const state = sqlState(error)
  return state !== undefined && (state.startsWith("22") || state.startsWith("23"))
}

const signIn =
  "Correct the user and the password in DATABASE_URL, or let the server's pg_hba.conf admit this user from here."

/** By SQLSTATE, by a beginning of it, or by the code of Node's TLS. */
const remedies: ReadonlyArray<readonly [code: RegExp, remedy: string]> = [
  [/^28/, signIn],
  [/^3D000$/, "Create the database, or correct its name in DATABASE_URL."],
  [/^3F000$/, "Create the schema that the role's search_path names, with `create schema`."],
  [
    /^42501$/,
    "Let the role use its schema, with `grant usage, create on schema … to …`. It has to own tallykeep's tables and functions."
  ],
  [
    /^(42|0A)/,
    "Give tallykeep a database of its own, on PostgreSQL 14 or newer, in which nobody else changes anything."
  ],
  [/^53100$/, "Make room on the disk of the database's server."],
  [/^53300$/, "Raise the server's max_connections, or set a smaller DATABASE_POOL in each process."],
  [
    /^57014$/,
    "Unless someone has cancelled it, let the role's statements take 30 s or more, with `alter role … set statement_timeout`."
  ],
  [/^22/, "Give tallykeep a database of its own whose encoding is UTF8."],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    "Renew the server's certificate, or that of the authority that signed it; or set the clock of this machine."
  ],
  [
    /^(CERT_|ERR_TLS_CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_)/,
    "Name the authority that signed the server's certificate by sslrootcert, and the host as the certificate does."
  ],
  [/^NO_TLS$/, "Turn TLS on at the server, or choose another sslmode in DATABASE_URL."]
]

/** Returns what an operator has to do about a failure that time does not heal; undefined where it may. */
export const remedyOf = (error: unknown): string | undefined => {
  for (const code of codesOf(error)) {
    const found = remedies.find(([pattern]) => pattern.test(code))
    if (found !== undefined) return found[1]
  }
  // The driver's own refusals, such as of a server that wants a password where there is none.
  return tagsOf(error).includes("AuthenticationError") ? signIn : undefined
}

/** Returns an error and what it came from, the nearest first. */
const chainOf = (error: unknown): ReadonlyArray<object> => {
  const chain: Array<object> = []
  for (let at = error; typeof at === "object" && at !== null && chain.length < 8; ) {
    chain.push(at)
    at = "reason" in at && typeof at.reason === "object" ? at.reason : "cause" in at ? at.cause : undefined
  }
  return chain
}

const textsOf = (error: unknown, key: "code" | "_tag"): ReadonlyArray<string> =>
  chainOf(error).flatMap((each) => {
    const text: unknown = key in each ? Reflect.get(each, key) : undefined
    return typeof text === "string" ? [text] : []
  })

/** Returns the codes in an error and in what it came from, the nearest first: SQLSTATEs, or those of Node. */
export const codesOf = (error: unknown): ReadonlyArray<string> => textsOf(error, "code")
const tagsOf = (error: unknown): ReadonlyArray<string> => textsOf(error, "_tag")
