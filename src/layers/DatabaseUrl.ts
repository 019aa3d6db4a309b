import { readFileSync } from "node:fs"
import { Result } from "effect"
import { type DatabaseAddress, type DatabaseHost, targets } from "./DatabaseAddress.ts"
import { type DatabaseTls, type SslMode, sslModes } from "./DatabaseTls.ts"
import { unreadable } from "./SecretFile.ts"

/** What is wrong with a URL: a sentence that goes on after the setting's name, and holds no part of the password. */
class Wrong extends Error {}

/** A parameter for which only one value can be kept to; another is refused, not ignored. */
const fixed = new Map<string, ReadonlyArray<string>>([
  ["channel_binding", ["prefer", "disable"]],
  ["client_encoding", ["UTF8", "utf8", "auto"]],
  ["gssencmode", ["prefer", "disable"]],
  ["load_balance_hosts", ["disable"]],
  ["sslnegotiation", ["postgres"]]
])

const known = [
  ...["host", "port", "user", "password", "dbname", "target_session_attrs", "connect_timeout", "application_name"],
  ...["options", "sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", ...fixed.keys()]
]

const decode = (text: string, where: string): string => {
  try {
    const decoded = decodeURIComponent(text)
    if (!decoded.includes("\0")) return decoded
  } catch {
    throw new Wrong(`has a % in its ${where} that begins no character; write % itself as %25`)
  }
  throw new Wrong(`has a NUL in its ${where}`)
}

const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= 65_535) return port
  throw new Wrong("has a port that is not a number from 1 to 65535")
}

const defaultPort = 5432

/** Parses `a:5432,b` or `[::1]:5432`; an empty name is localhost. */
const parseHosts = (text: string): ReadonlyArray<DatabaseHost> =>
  text.split(",").map((each) => {
    const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]*))(?::([^:]*))?$/.exec(each)
    if (parts === null) {
      throw new Wrong("has a host that is no name; an IPv6 address must stand in brackets, as in [::1]")
    }
    const [, v6, name = v6 ?? "", port] = parts
    return { name: decode(name, "host") || "localhost", port: port ? parsePort(port) : defaultPort }
  })

const parseParameters = (query: string): ReadonlyMap<string, string> => {
  const parameters = new Map<string, string>()
  for (const each of query.split("&")) {
    if (each === "") continue
    const equals = each.indexOf("=")
    const name = equals < 0 ? each : each.slice(0, equals)
    if (!known.includes(name)) {
      // It may be a part of a password that was not encoded.
      const shown = /^[a-z_]{1,40}$/.test(name) && !query.includes("@") ? `the parameter ${name}` : "a parameter"
      throw new Wrong(`has ${shown}, which tallykeep does not know; it knows ${known.join(", ")}`)
    }
    parameters.set(name, equals < 0 ? "" : decode(each.slice(equals + 1), name))
  }
  for (const [name, values] of fixed) {
    const value = parameters.get(name)
    if (value !== undefined && !values.includes(value)) {
      throw new Wrong(`has ${name}, which may only be ${values.join(" or ")} here`)
    }
  }
  return parameters
}

const oneOf = <A extends string>(name: string, values: ReadonlyArray<A>, text: string): A => {
  const found = values.find((value) => value === text)
  if (found === undefined) throw new Wrong(`has a wrong ${name}; it must be one of ${values.join(", ")}`)
  return found
}

/** `ssl=true` is what JDBC's URLs say, which libpq understands too; node-postgres has `ssl=no-verify`. */
const sslWords: Readonly<Record<string, SslMode>> = {
  true: "require",
  "1": "require",
  false: "disable",
  "0": "disable",
  "no-verify": "no-verify"
}

const parseMode = (parameters: ReadonlyMap<string, string>, rootCert: string | undefined): SslMode => {
  const ssl = parameters.get("ssl")
  const word = ssl === undefined ? undefined : sslWords[ssl]
  if (ssl !== undefined && word === undefined) throw new Wrong("has a wrong ssl; it must be true, false or no-verify")
  const given = parameters.get("sslmode")
  const mode = given === undefined ? word : oneOf("sslmode", sslModes, given)
  if (rootCert !== "system") return mode ?? "prefer"
  if (mode !== undefined && mode !== "verify-full") {
    throw new Wrong("has sslrootcert=system, which needs sslmode=verify-full: anyone can get a certificate from those")
  }
  return "verify-full"
}

/** Returns the path as it is; what can't be read now would be an outage later. */
const readable = (name: string, path: string | undefined): string | undefined => {
  if (path === undefined || path === "") return undefined
  try {
    readFileSync(path)
    return path
  } catch (error) {
    throw new Wrong(`names a file by ${name} that ${unreadable(error)}`)
  }
}

const parseTls = (parameters: ReadonlyMap<string, string>, env: NodeJS.ProcessEnv): DatabaseTls => {
  const named = parameters.get("sslrootcert") || env.PGSSLROOTCERT || undefined
  const mode = parseMode(parameters, named)
  const origin = parameters.get("sslrootcert") ? "sslrootcert" : "PGSSLROOTCERT"
  const used = mode !== "disable" && mode !== "no-verify" && named !== "system"
  return {
    mode,
    rootCert: used ? readable(origin, named) : undefined,
    cert: readable("sslcert", parameters.get("sslcert")),
    key: readable("sslkey", parameters.get("sslkey"))
  }
}

/** Lets the parameters `host` and `port` come before what stands in front, as libpq does. */
const withParameters = (
  hosts: ReadonlyArray<DatabaseHost>,
  parameters: ReadonlyMap<string, string>
): ReadonlyArray<DatabaseHost> => {
  const named = parameters.get("host")
  const chosen = named ? named.split(",").map((name) => ({ name: name || "localhost", port: defaultPort })) : hosts
  const ports = parameters.get("port")?.split(",").map(parsePort)
  if (ports === undefined) return chosen
  if (ports.length !== 1 && ports.length !== chosen.length) {
    throw new Wrong(`has ${chosen.length} hosts and ${ports.length} ports`)
  }
  return chosen.map(({ name }, index) => ({ name, port: ports[index] ?? ports[0] ?? defaultPort }))
}

const parseTimeout = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new Wrong("has a connect_timeout that is not a whole number of seconds")
}

/** PostgreSQL cuts a longer name without a word. */
const checkName = (what: string, name: string | undefined): string | undefined => {
  if (name === undefined || name === "") return undefined
  if (Buffer.byteLength(name) > 63) throw new Wrong(`has a ${what} of more than 63 bytes`)
  return name
}

const parse = (authority: string, path: string, query: string, env: NodeJS.ProcessEnv): DatabaseAddress => {
  const at = authority.lastIndexOf("@")
  const [user = "", ...password] = at < 0 ? [] : authority.slice(0, at).split(":")
  const hosts = parseHosts(authority.slice(at + 1))
  const parameters = parseParameters(query)
  const [first, ...others] = withParameters(hosts, parameters)
  if (first === undefined) throw new Wrong("names no host")
  return {
    hosts: [first, ...others],
    user: checkName("user", parameters.get("user") ?? decode(user, "user")),
    password: (parameters.get("password") ?? decode(password.join(":"), "password")) || undefined,
    database: checkName("database", parameters.get("dbname") ?? decode(path, "database")),
    tls: parseTls(parameters, env),
    target: oneOf("target_session_attrs", targets, parameters.get("target_session_attrs") ?? "any"),
    applicationName: parameters.get("application_name"),
    options: parameters.get("options"),
    connectTimeout: parseTimeout(parameters.get("connect_timeout"))
  }
}

/** Reads a URL; undefined for a text that is none, and what is wrong with one as a sentence without its subject. */
export const parseDatabaseUrl = (
  text: string,
  env: NodeJS.ProcessEnv = process.env
): Result.Result<DatabaseAddress, string> | undefined => {
  const [, authority, path = "", query = ""] =
    /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?/.exec(text) ?? []
  if (authority === undefined) return undefined
  if (/[\s#]/.test(text)) return Result.fail("has a # or a blank in it; write # as %23 and a blank as %20")
  try {
    return Result.succeed(parse(authority, path, query, env))
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    // A / or ? in a password ends what comes before the host, so that the rest is taken for something else.
    const cut = !authority.includes("@") && `${path}?${query}`.includes("@")
    return Result.fail(cut ? "has a / or ? in its user or password; write / as %2F and ? as %3F" : error.message)
  }
}
