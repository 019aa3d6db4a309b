import { Duration, type LogLevel, Option, Redacted, Result, Schema } from "effect"
import type { StreamRetention } from "../consumer/ConsumerSettings.ts"
import type { RateLimit } from "../http/HttpSettings.ts"
import { parseDatabaseUrl } from "./DatabaseUrl.ts"

/** What the text of a setting may be, and what it is read as. */
export interface Kind<A> {
  /** In words, for whoever got it wrong: "PORT must be …". */
  readonly allowed: string
  /** Returns undefined for a text that is not allowed; the text has no blanks at its ends. */
  readonly parse: (text: string) => A | undefined
  /** Returns what is wrong with a text that is not allowed, to go on after the setting's name, where there is more to say. */
  readonly wrong?: (text: string) => string | undefined
  /** Whether the text must never be shown. */
  readonly secret?: boolean
}

const visible = (text: string): boolean => /^[!-~]+$/.test(text)

export const text: Kind<string> = {
  allowed: "a text of visible characters",
  parse: (value) => (visible(value) ? value : undefined)
}

export const folder: Kind<string> = {
  allowed: "a folder",
  parse: (value) => (value === "" ? undefined : value)
}

export const oneOf = <const A extends string>(...values: ReadonlyArray<A>): Kind<A> => ({
  allowed: `one of ${values.join(", ")}`,
  parse: (value) => values.find((allowed) => allowed === value)
})

export const int = (minimum: number, maximum: number): Kind<number> => {
  const decode = Schema.decodeUnknownOption(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))
  )
  return {
    allowed: `a whole number from ${minimum} to ${maximum}`,
    parse: (value) => Option.getOrUndefined(decode(value))
  }
}

/** The units of time, in ms. */
const units = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000]
])

const parseTime = (value: string): Duration.Duration | undefined => {
  const [, amount, unit = ""] = /^(\d{1,9})([a-z]+)$/.exec(value) ?? []
  const ms = units.get(unit)
  return ms === undefined ? undefined : Duration.millis(Number(amount) * ms)
}

const times = "a time such as 500ms, 25s, 10m, 24h or 7d"

/** A time that is longer than none. */
export const duration: Kind<Duration.Duration> = {
  allowed: times,
  parse: (value) => {
    const time = parseTime(value)
    return time === undefined || Duration.isZero(time) ? undefined : time
  }
}

/** A time that may be none at all, which needs no unit. */
export const durationOrZero: Kind<Duration.Duration> = {
  allowed: `0, or ${times}`,
  parse: (value) => (value === "0" ? Duration.zero : parseTime(value))
}

/** A time of a kind that is not longer than another one. */
export const upTo = (most: string, kind: Kind<Duration.Duration>): Kind<Duration.Duration> => ({
  allowed: `${kind.allowed}, of at most ${most}`,
  parse: (value) => {
    const [time, longest] = [kind.parse(value), parseTime(most)]
    return time && longest && Duration.isLessThanOrEqualTo(time, longest) ? time : undefined
  }
})

/** Entries of the stream by their age or their number; none with 0. */
export const streamRetention: Kind<StreamRetention> = {
  allowed: `a whole number of entries from 0 to 1000000000, or ${times}`,
  parse: (value) => {
    if (/^\d{1,10}$/.test(value)) return Number(value) <= 1e9 ? { ms: 0, entries: Number(value) } : undefined
    const age = parseTime(value)
    return age && { ms: Duration.toMillis(age), entries: 0 }
  }
}

const parseUrl = (value: string): URL | undefined => (URL.canParse(value) ? new URL(value) : undefined)

/** A server's address; it may hold a password, so it is never shown. */
export const url = (...protocols: ReadonlyArray<string>): Kind<Redacted.Redacted> => ({
  allowed: `a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  parse: (value) => (protocols.includes(parseUrl(value)?.protocol ?? "") ? Redacted.make(value) : undefined),
  secret: true
})

/** The address of a PostgreSQL, of one host or several. */
export const database: Kind<Redacted.Redacted> = {
  allowed: "a URL that starts with postgres:// or postgresql://",
  parse: (value) => {
    const address = parseDatabaseUrl(value)
    return address !== undefined && Result.isSuccess(address) ? Redacted.make(value) : undefined
  },
  wrong: (value) => {
    const address = parseDatabaseUrl(value)
    return address !== undefined && Result.isFailure(address) ? address.failure : undefined
  },
  secret: true
}

/** Returns the URLs of a list with commas between them; a comma can also be in a password. */
export const listedUrls = (value: string): ReadonlyArray<string> =>
  value.split(/\s*,\s*(?=[a-z+]+:\/\/)/).map((each) => each.trim())

/** Returns the secrets of a setting that may hold several: no secret has blanks or line breaks in it. */
export const listedSecrets = (value: string): ReadonlyArray<string> => value.trim().split(/\s+/)

/** A secret, never shown, long enough not to be guessed; while it changes, several with blanks or line breaks in between. */
export const secrets = (minimum: number): Kind<Redacted.Redacted> => ({
  allowed: `a secret of at least ${minimum} visible characters`,
  parse: (value) =>
    listedSecrets(value).every((each) => visible(each) && each.length >= minimum) ? Redacted.make(value) : undefined,
  secret: true
})

/** Keys that sign, by their seeds of 32 random bytes; two while one replaces the other. */
export const signingKeys: Kind<Redacted.Redacted> = {
  allowed: "32 random bytes in base64, as `openssl rand -base64 32` makes them, or two of them with a blank in between",
  parse: (value) => {
    const keys = listedSecrets(value)
    return keys.length <= 2 && keys.every((key) => /^[A-Za-z0-9+/_-]{43}=?$/.test(key))
      ? Redacted.make(value)
      : undefined
  },
  secret: true
}

/** A host as it is in a URL, with or without a port. */
export const hostName: Kind<string> = {
  allowed: "a host such as vote.example.com, with its port where that is another than 443",
  parse: (value) => (/^[a-z0-9.-]+(:\d{1,5})?$/.test(value) ? value : undefined)
}

/** A web address that is no secret. */
export const webUrl: Kind<string> = {
  allowed: "a URL that starts with https:// or http://",
  parse: (value) => (/^https?:$/.test(parseUrl(value)?.protocol ?? "") ? value : undefined)
}

/** Returns an origin's protocol; nothing where the text is more than an origin, or none. */
const originProtocol = (value: string): string => {
  const parsed = parseUrl(value)
  return parsed?.origin === value ? parsed.protocol : ""
}

export const origins: Kind<ReadonlyArray<string>> = {
  allowed: "* or origins such as https://example.com, separated by commas",
  parse: (value) => {
    const list = value.split(",").map((origin) => origin.trim().replace(/\/$/, ""))
    return list.every((origin) => origin === "*" || /^https?:$/.test(originProtocol(origin))) ? list : undefined
  }
}

export const rateLimit: Kind<RateLimit | "off"> = {
  allowed: "off, or a number in a time, such as 20/1s",
  parse: (value) => {
    if (value === "off") return value
    const [, votes, time = ""] = /^([1-9]\d{0,8})\/([1-9]\d{0,5}[smh])$/.exec(value) ?? []
    const window = parseTime(time)
    return window && { votes: Number(votes), seconds: Duration.toSeconds(window) }
  }
}

const logLevels = new Map<string, LogLevel.LogLevel>([
  ["ALL", "All"],
  ["TRACE", "Trace"],
  ["DEBUG", "Debug"],
  ["INFO", "Info"],
  ["WARN", "Warn"],
  ["ERROR", "Error"],
  ["FATAL", "Fatal"],
  ["NONE", "None"]
])

export const logLevel: Kind<LogLevel.LogLevel> = {
  allowed: `one of ${[...logLevels.keys()].join(", ")}`,
  parse: (value) => logLevels.get(value.toUpperCase())
}
