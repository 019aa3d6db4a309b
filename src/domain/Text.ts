import { Schema } from "effect"

/** Scripts whose letters a joiner (U+200C, U+200D) joins or keeps apart; between other letters it can't be seen. */
const joining = ["Arab", "Syrc", "Nkoo", "Mong", "Adlm", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda"]
  .concat(["Mlym", "Sinh", "Mymr", "Khmr", "Tibt"])
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join("")

/** Characters without a width of their own, where they change what is seen. */
const seenInPlace = new RegExp(
  [
    `(?<=(?=[${joining}])[\\p{L}\\p{M}])[\\u200c\\u200d]`,
    // An emoji of several, such as a family.
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic})",
    // Another form of the character before.
    "(?<=[\\p{L}\\p{N}\\p{P}\\p{S}])[\\u180b-\\u180d\\u180f\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]",
    // The flag of a part of a country, such as Scotland.
    "(?<=\\u{1f3f4}[\\u{e0020}-\\u{e007e}]{0,8})[\\u{e0020}-\\u{e007f}]"
  ].join("|"),
  "gu"
)

const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/u

/** U+2800 is a blank of Braille. */
const seen = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}\p{Co}\p{Cn}]/u

/** Returns why a text is not as people can read it, as what it is; undefined where it is. */
const findUnseen = (text: string): string | undefined => {
  const code = unseen.exec(text.replace(seenInPlace, ""))?.[0].codePointAt(0)
  return code === undefined
    ? undefined
    : `has a character that can't be seen: U+${code.toString(16).toUpperCase().padStart(4, "0")}`
}

/** Returns a text as it is kept: one spelling of each character (NFC), and `\n` for every line's end. */
export const tidy = (text: string): string => text.replace(/\r\n?/g, "\n").normalize("NFC")

/** Returns what people see of a line: two of the same look can't be told apart. */
export const lookOf = (line: string): string =>
  line
    .replace(/\u200c|\u200d|[\ufe00-\ufe0f]/g, "")
    .replace(/[\s\u2800]+/g, " ")
    .trim()
    .normalize("NFC")

const atMost = (maximum: number) =>
  Schema.makeFilter((text: string) => tidy(text).length <= maximum || `must have at most ${maximum} characters`, {
    toJsonSchema: () => ({ maxLength: maximum })
  }).abort()

/** A line of text for people: it can be seen, and has a bounded length and no line break. */
export const line = (maximum: number) =>
  Schema.String.check(
    atMost(maximum),
    Schema.isPattern(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, { message: "must be one line of text" }).abort(),
    Schema.makeFilter((text) => findUnseen(text) ?? (seen.test(text) || "must not be blank"))
  )

/** Text for people, of several lines perhaps. */
export const paragraphs = (maximum: number) =>
  Schema.String.check(
    atMost(maximum),
    Schema.isPattern(/^(?:[^\p{Cc}\p{Cs}]|[\r\n\t])*$/u, {
      message: "must be text without control characters"
    }).abort(),
    Schema.makeFilter((text) => findUnseen(text))
  )
