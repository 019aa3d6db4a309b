import { Duration, type LogLevel, Option, Redacted, Schema } from "effect"
import type { RateLimit } from "../http/HttpSettings.ts"

/** One setting of the environment: how its text is read, and what to tell whoever got it wrong. */
export interface Setting<A> {
  readonly name: string
  /** What it may be, in words. */
  readonly allowed: string
  /** The text that stands where it is not set; undefined where nothing does. */
  readonly fallback: string | undefined
  /** Whether its value must not be shown. */
  readonly secret: boolean
  readonly decode: (text: string) => Option.Option<A>
}

const setting = <A>(
  name: string,
  allowed: string,
  fallback: string | undefined,
  parse: (text: string) => A | undefined,
  secret = false
): Setting<A> => ({ name, allowed, fallback, secret, decode: (text) => Option.fromUndefinedOr(parse(text.trim())) })

export const text = (name: string, fallback: string): Setting<string> =>
  setting(name, "a text of visible characters", fallback, (value) => (/^[!-~]+$/.test(value) ? value : undefined))

export const path = (name: string, fallback: string): Setting<string> =>
  setting(name, "a folder", fallback, (value) => (value === "" ? undefined : value))

export const literals = <const A extends string>(name: string, values: ReadonlyArray<A>, fallback: A): Setting<A> =>
  setting(name, `one of ${values.join(", ")}`, fallback, (value) => values.find((allowed) => allowed === value))

/** A whole number that stands for something only where it is set. */
export const optionalInt = (name: string, minimum: number, maximum: number, fallback?: number): Setting<number> => {
  const decode = Schema.decodeUnknownOption(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))
  )
  return setting(name, `a whole number from ${minimum} to ${maximum}`, fallback?.toString(), (value) =>
    Option.getOrUndefined(decode(value))
  )
}

export const int = (name: string, minimum: number, maximum: number, fallback: number): Setting<number> =>
  optionalInt(name, minimum, maximum, fallback)

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** In `ms`, `s`, `m`, `h` or `d`; without a fallback of its own, the program chooses. */
export const duration = (name: string, fallback?: string): Setting<Duration.Duration> =>
  setting(name, "a time such as 500ms, 25s, 10m, 24h or 7d", fallback, (value) => {
    const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value)
    return match === null ? undefined : Duration.millis(Number(match[1]) * units[match[2] as keyof typeof units])
  })

/** A server's address; it may hold a password, so it is never shown. */
export const url = (name: string, protocols: ReadonlyArray<string>): Setting<Redacted.Redacted> =>
  setting(
    name,
    `a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    undefined,
    (value) =>
      protocols.includes(parseUrl(value)?.protocol ?? "") ? Redacted.make(value, { label: name }) : undefined,
    true
  )

/** The URLs in a list with commas between them; a comma can also be in a password. */
export const listedUrls = (value: string): ReadonlyArray<string> =>
  value.split(/\s*,\s*(?=[a-z]+:\/\/)/).map((each) => each.trim())

/** The same, or the addresses of a cluster's nodes. */
export const urls = (name: string, protocols: ReadonlyArray<string>): Setting<Redacted.Redacted> => {
  const one = url(name, protocols)
  const isNode = (address: string) => /^\/?0?$/.test(parseUrl(address)?.pathname ?? "no path")
  const decode = (text: string) => {
    const list = listedUrls(text)
    const right = list.every(
      (address) => Option.isSome(one.decode(address)) && !(parseUrl(address)?.hostname ?? ",").includes(",")
    )
    return right && (list.length === 1 || list.every(isNode))
      ? Option.some(Redacted.make(text.trim(), { label: name }))
      : Option.none()
  }
  const allowed = `${one.allowed}, or one for each node of a cluster, separated by commas and without a database`
  return { ...one, allowed, decode }
}

const parseUrl = (value: string): URL | undefined => (URL.canParse(value) ? new URL(value) : undefined)

/** A secret, never shown; long enough not to be guessed. */
export const secret = (name: string, minimum: number): Setting<Redacted.Redacted> =>
  setting(
    name,
    `a secret of at least ${minimum} visible characters`,
    undefined,
    (value) => (/^[!-~]+$/.test(value) && value.length >= minimum ? Redacted.make(value, { label: name }) : undefined),
    true
  )

/** A web address that is no secret. */
export const webUrl = (name: string): Setting<string> =>
  setting(name, "a URL that starts with https:// or http://", undefined, (value) =>
    /^https?:$/.test(parseUrl(value)?.protocol ?? "") ? value : undefined
  )

/** A text that stands for nothing where it is not set. */
export const optionalText = (name: string): Setting<string> =>
  setting(name, "a text of visible characters", undefined, (value) => (/^[!-~]+$/.test(value) ? value : undefined))

/** `*` or origins, separated by commas. */
export const origins = (name: string, fallback: string): Setting<ReadonlyArray<string>> =>
  setting(name, "* or origins such as https://example.com, separated by commas", fallback, (value) => {
    const list = value.split(",").map((origin) => origin.trim().replace(/\/$/, ""))
    return list.every((origin) => origin === "*" || /^https?:$/.test(originProtocol(origin))) ? list : undefined
  })

/** Its protocol, where it is an origin and nothing more. */
const originProtocol = (value: string): string => {
  const parsed = parseUrl(value)
  return parsed?.origin === value ? parsed.protocol : ""
}

/** `off`, or votes per time: `20/1s`. */
export const rateLimit = (name: string, fallback?: string): Setting<RateLimit | "off"> =>
  setting(name, "off, or votes in a time, such as 20/1s", fallback, (value) => {
    if (value === "off") return "off"
    const match = /^([1-9]\d{0,8})\/([1-9]\d{0,5})(s|m|h)$/.exec(value)
    return match === null
      ? undefined
      : { votes: Number(match[1]), seconds: (Number(match[2]) * units[match[3] as keyof typeof units]) / 1000 }
  })

const logLevels = {
  ALL: "All",
  TRACE: "Trace",
  DEBUG: "Debug",
  INFO: "Info",
  WARN: "Warn",
  ERROR: "Error",
  FATAL: "Fatal",
  NONE: "None"
} as const

export const logLevel = (name: string, fallback: keyof typeof logLevels): Setting<LogLevel.LogLevel> =>
  setting(name, `one of ${Object.keys(logLevels).join(", ")}`, fallback, (value) => {
    const level = value.toUpperCase()
    return level in logLevels ? logLevels[level as keyof typeof logLevels] : undefined
  })
