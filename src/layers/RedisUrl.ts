import { Redacted } from "effect"
import { type Kind, listedUrls } from "./SettingKinds.ts"

const schemes = ["redis://", "rediss://"]

const decodes = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** What a Redis's address may say after a question mark: as ioredis understands it. */
const parameters = new Map([["family", /^[046]$/]])

/** Returns what is wrong with an address, without showing any of it, since it may hold a password; undefined where nothing is. */
const wrongWith = (address: string): string | undefined => {
  if (!schemes.some((scheme) => address.startsWith(scheme))) return "it does not start so"
  if (!URL.canParse(address)) return "it is no URL: a password's special characters must be percent-encoded"
  const { hash, hostname, password, pathname, port, searchParams, username } = new URL(address)
  if (hostname === "") return "it names no host"
  if (hostname.includes(",")) return "each node needs a URL of its own"
  if (port === "0") return "its port can't be 0"
  if (!decodes(username) || !decodes(password)) return "a percent sign in a user or password must be written %25"
  if (!/^(\/\d{0,9})?$/.test(pathname)) return "its database must be a number"
  if (hash !== "") return "a # must be written %23"
  for (const [name, value] of searchParams) {
    const known = parameters.get(name)
    if (known === undefined) return "what follows its question mark is not understood; family alone is"
    if (!known.test(value)) return "its family must be 4, 6 or 0"
  }
  return undefined
}

const isNode = (address: string): boolean => /^\/?0?$/.test(new URL(address).pathname)

const allowed = `a URL that starts with ${schemes.join(" or ")}, or one for each node of a cluster, separated by commas and without a database`

/** A Redis's address, or those of several nodes of a cluster. */
export const redisUrls: Kind<Redacted.Redacted> = {
  allowed,
  parse: (value) => (wrongWithAll(value) === undefined ? Redacted.make(value) : undefined),
  wrong: (value) => `is not valid: ${wrongWithAll(value)}; it must be ${allowed}`,
  secret: true
}

const wrongWithAll = (value: string): string | undefined => {
  const list = listedUrls(value)
  const wrong = list.map(wrongWith).find((why) => why !== undefined)
  if (wrong !== undefined || list.length === 1 || list.every(isNode)) return wrong
  return "a cluster has no databases"
}
