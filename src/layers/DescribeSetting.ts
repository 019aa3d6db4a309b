import { Config, Data, Effect, Option } from "effect"
import type { Kind } from "./SettingKinds.ts"

/** One wrong setting; the message is for whoever has to correct it. */
export class WrongSetting extends Data.TaggedError("WrongSetting")<{ readonly message: string }> {}

/** A setting of the environment. As an effect, it reads the setting. */
export interface Setting<out A> extends Effect.Effect<A, WrongSetting> {
  readonly name: string
  /** What it may be, in words. */
  readonly allowed: string
  /** The text that applies where it is not set; undefined where none does. */
  readonly fallback: string | undefined
}

/** Describes a setting that has a value whether or not it is set. */
export const setting = <A>(name: string, kind: Kind<A>, fallback: string): Setting<A> =>
  Object.assign(
    Effect.flatMap(textOf(name), (text = fallback) => parse(name, kind, text)),
    { name, allowed: kind.allowed, fallback }
  )

/** Describes a setting that is undefined where it is not set. */
export const optional = <A>(name: string, kind: Kind<A>): Setting<A | undefined> =>
  Object.assign(
    Effect.flatMap(textOf(name), (text) => (text === undefined ? Effect.undefined : parse(name, kind, text))),
    { name, allowed: kind.allowed, fallback: undefined }
  )

/** Reads the text of a setting; an empty one counts as not set. */
const textOf = (name: string): Effect.Effect<string | undefined, WrongSetting> =>
  Config.option(Config.String(name)).pipe(
    Effect.map(Option.getOrUndefined),
    Effect.mapError(() => new WrongSetting({ message: `${name} can't be read` }))
  )

const parse = <A>(name: string, kind: Kind<A>, text: string): Effect.Effect<A, WrongSetting> => {
  const value = kind.parse(text.trim())
  if (value !== undefined) return Effect.succeed(value)
  const shown = kind.secret ? "is not valid" : `is ${JSON.stringify(text.slice(0, 100))}`
  const why = kind.wrong?.(text.trim())
  const said = why === undefined ? shown : `${shown}: ${why}`
  return Effect.fail(new WrongSetting({ message: `${name} ${said}; it must be ${kind.allowed}` }))
}
