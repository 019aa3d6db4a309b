import { Redacted, Result } from "effect"
import type { RedisAddress, RedisServer } from "./RedisAddress.ts"
import { type Kind, listedUrls } from "./SettingKinds.ts"

/** What is wrong with an address. It shows none of it, since there may be a password in it. */
class Wrong extends Error {}

const noUrl = "it is no URL: a password's special characters must be percent-encoded"

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Wrong("a percent sign in a user or password must be written %25")
  }
}

const parseParameters = (query: string, known: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const parameters = new Map<string, string>()
  for (const each of query.split("&").filter((text) => text !== "")) {
    const [name = "", ...value] = each.split("=")
    if (!known.includes(name)) {
      const those = known.length === 1 ? `${known} alone is` : `${known.join(", ")} are`
      throw new Wrong(`what follows its question mark is not understood; ${those}`)
    }
    parameters.set(name, decode(value.join("=")))
  }
  if (!/^[046]$/.test(parameters.get("family") ?? "0")) throw new Wrong("its family must be 4, 6 or 0")
  return parameters
}

const parseDatabase = (text: string): number => {
  if (!/^\d{0,9}$/.test(text)) throw new Wrong("its database must be a number")
  return Number(text)
}

/** Parses one URL of one server; its path and its parameters are looked at by `read`. */
const parseServer = (text: string, defaultPort: number, known: ReadonlyArray<string>) => {
  if (!URL.canParse(text)) throw new Wrong(noUrl)
  const { hash, hostname, password, pathname, port, protocol, search, username } = new URL(text)
  if (hostname === "") throw new Wrong("it names no host")
  if (hostname.includes(",")) throw new Wrong("each node needs a URL of its own")
  if (port === "0") throw new Wrong("its port can't be 0")
  const login = { username: decode(username), password: decode(password), tls: protocol === "rediss:" }
  if (hash !== "") throw new Wrong("a # must be written %23")
  const parameters = parseParameters(search.slice(1), known)
  return {
    path: pathname.slice(1),
    parameters,
    server: {
      ...login,
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? defaultPort : Number(port),
      db: 0,
      family: Number(parameters.get("family") ?? 0)
    }
  }
}

const parseNode = (text: string): RedisServer => {
  if (!/^rediss?:\/\//.test(text)) throw new Wrong("it does not start so")
  const { path, server } = parseServer(text, 6379, ["family"])
  return { ...server, db: parseDatabase(path) }
}

const sentinelUrl = /^(rediss?)\+sentinel:\/\/([^/?#]*)(.*)$/

/** Parses a URL of sentinels as if it were one for each of them, with what stands before and after the hosts. */
const parseSentinels = (url: RegExpExecArray): RedisAddress => {
  const [, scheme, authority = "", rest = ""] = url
  const user = authority.slice(0, authority.lastIndexOf("@") + 1)
  if (user === "" && rest.includes("@")) throw new Wrong(noUrl)
  const hosts = authority.slice(user.length).split(",")
  if (hosts.some((host) => /^\s*(:|$)/.test(host))) throw new Wrong("it names no host")
  const known = ["family", "sentinel_username", "sentinel_password"]
  const parsed = hosts.map((host) => parseServer(`${scheme}://${user}${host.trim()}${rest}`, 26_379, known))
  const [{ parameters, path, server }] = parsed as [(typeof parsed)[number]]
  const [name = "", database = "", ...more] = path.split("/")
  if (name === "") throw new Wrong("it names no master, as mymaster in redis+sentinel://host:26379/mymaster does")
  if (more.length > 0) throw new Wrong("its database must be a number")
  const username = parameters.get("sentinel_username") ?? ""
  const password = parameters.get("sentinel_password") ?? ""
  if (username !== "" && password === "") throw new Wrong("it has a sentinel_username without a sentinel_password")
  const { host: _, port: __, ...login } = server
  const [first, ...others] = parsed.map((each) => ({ ...each.server, username, password }))
  return {
    kind: "sentinels",
    sentinels: [first as RedisServer, ...others],
    masterName: decode(name),
    login: { ...login, db: parseDatabase(database) }
  }
}

const parse = (text: string): RedisAddress => {
  const list = listedUrls(text)
  const sentinels = list.map((each) => sentinelUrl.exec(each)).find((found) => found !== null)
  if (sentinels !== undefined && list.length > 1)
    throw new Wrong("all sentinels stand in one URL, with commas between them")
  if (sentinels !== undefined) return parseSentinels(sentinels)
  const [first, ...others] = list.map(parseNode) as [RedisServer, ...ReadonlyArray<RedisServer>]
  if (others.length === 0) return { kind: "single", server: first }
  if ([first, ...others].some(({ db }) => db !== 0)) throw new Wrong("a cluster has no databases")
  return { kind: "cluster", nodes: [first, ...others] }
}

/** Reads an address; says what is wrong with one, to go on after a colon. */
export const parseRedisUrl = (text: string): Result.Result<RedisAddress, string> => {
  try {
    return Result.succeed(parse(text))
  } catch (error) {
    if (error instanceof Wrong) return Result.fail(error.message)
    throw error
  }
}

const allowed =
  "a URL that starts with redis:// or rediss://, or one for each node of a cluster, separated by commas and without a database, " +
  "or one that starts with redis+sentinel:// or rediss+sentinel:// and names all sentinels"

/** The address of a Redis, of several nodes of a cluster, or of sentinels. */
export const redisAddress: Kind<Redacted.Redacted> = {
  allowed,
  parse: (value) => (Result.isSuccess(parseRedisUrl(value)) ? Redacted.make(value) : undefined),
  wrong: (value) => {
    const address = parseRedisUrl(value)
    return Result.isFailure(address) ? `is not valid: ${address.failure}; it must be ${allowed}` : undefined
  },
  secret: true
}
