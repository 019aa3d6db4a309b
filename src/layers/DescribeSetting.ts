import { Config, Data, Effect, Option, Redacted } from "effect"
import { cameFrom, readSecretFile, unreadable } from "./SecretFile.ts"
import type { Kind } from "./SettingKinds.ts"

/** One wrong setting; the message is for whoever has to correct it. */
export class WrongSetting extends Data.TaggedError("WrongSetting")<{ readonly message: string }> {}

/** A setting of the environment. As an effect, it reads the setting. */
export interface Setting<out A> extends Effect.Effect<A, WrongSetting> {
  readonly name: string
  /** The name of the variable that names a file with it instead; undefined for what is no secret. */
  readonly fileName: string | undefined
  /** What it may be, in words. */
  readonly allowed: string
  /** The text that applies where it is not set; undefined where none does. */
  readonly fallback: string | undefined
}

/** Describes a setting that has a value whether or not it is set. */
export const setting = <A>(name: string, kind: Kind<A>, fallback: string): Setting<A> =>
  Object.assign(
    Effect.flatMap(textOf(name, kind), (given) => parse(name, kind, given ?? { text: fallback })),
    describe(name, kind, fallback)
  )

/** Describes a setting that is undefined where it is not set. */
export const optional = <A>(name: string, kind: Kind<A>): Setting<A | undefined> =>
  Object.assign(
    Effect.flatMap(textOf(name, kind), (given) => (given === undefined ? Effect.undefined : parse(name, kind, given))),
    describe(name, kind, undefined)
  )

const describe = (name: string, kind: Kind<unknown>, fallback: string | undefined) => ({
  name,
  fileName: kind.secret ? `${name}_FILE` : undefined,
  allowed: kind.allowed,
  fallback
})

/** What a setting was given as, and the file that it was read from. */
interface Given {
  readonly text: string
  readonly file?: string
}

/** Reads a variable of the environment; an empty one counts as not set. */
const variable = (name: string): Effect.Effect<string | undefined, WrongSetting> =>
  Config.option(Config.String(name)).pipe(
    Effect.map(Option.getOrUndefined),
    Effect.mapError(() => new WrongSetting({ message: `${name} can't be read` }))
  )

/** Reads the text of a setting. A secret may also be in the file that `<name>_FILE` names. */
const textOf = Effect.fnUntraced(function* (
  name: string,
  kind: Kind<unknown>
): Effect.fn.Return<Given | undefined, WrongSetting> {
  const text = yield* variable(name)
  const fileName = `${name}_FILE`
  const file = kind.secret ? yield* variable(fileName) : undefined
  if (file === undefined) return text === undefined ? undefined : { text: text.trim() }
  if (text !== undefined) return yield* new WrongSetting({ message: `${name} and ${fileName} are both set; set one` })
  const content = yield* Effect.try({
    try: () => readSecretFile(file),
    catch: (error) => new WrongSetting({ message: `${fileName} names a file that ${unreadable(error)}` })
  })
  if (content === "") return yield* new WrongSetting({ message: `${fileName} names a file that is empty` })
  return { text: content, file }
})

const parse = <A>(name: string, kind: Kind<A>, { file, text }: Given): Effect.Effect<A, WrongSetting> => {
  const value = kind.parse(text)
  if (value !== undefined) {
    if (file !== undefined && Redacted.isRedacted(value)) cameFrom(value, file)
    return Effect.succeed(value)
  }
  const shown = kind.secret ? "is not valid" : `is ${JSON.stringify(text.slice(0, 100))}`
  const problem = kind.wrong?.(text) ?? `${shown}; it must be ${kind.allowed}`
  return Effect.fail(new WrongSetting({ message: `${file === undefined ? name : `${name}_FILE`} ${problem}` }))
}
