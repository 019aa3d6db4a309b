import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { line, lookOf, paragraphs, tidy } from "../../src/domain/Text.ts"
import { fieldErrors } from "../../src/http/body/FieldErrors.ts"

const refusal = (schema: Schema.Codec<string>, text: string): string | undefined => {
  const decoded = Schema.decodeUnknownResult(schema)(text)
  return Result.isFailure(decoded) ? fieldErrors(decoded.failure)[0]?.detail : undefined
}

const label = line(200)

describe("a line of text", () => {
  it.each([
    ["plain", "Tea"],
    ["of marks", "E\u0301"],
    ["a family", "👨\u200d👩\u200d👧"],
    ["a rainbow flag", "🏳\ufe0f\u200d🌈"],
    ["people in love", "🧑🏻\u200d❤\ufe0f\u200d💋\u200d🧑🏿"],
    ["the flag of Scotland", "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
    ["the flag of Germany", "🇩🇪"],
    ["a key", "1\ufe0f\u20e3"],
    ["Persian", "می\u200cخواهم"],
    ["Hindi", "क\u094d\u200dष"],
    ["Sinhala", "ශ\u0dca\u200dරී"],
    ["Malayalam, with a joiner at the end", "അവന\u0d4d\u200d"],
    ["Hebrew", "שלום"],
    ["a variant of a Han character", "葛\u{e0100}"],
    ["Mongolian", "ᠠ\u180b"],
    ["a character that this Unicode does not know", "\u{1fad9}"]
  ])("may be %s", (_, text) => {
    assert.isUndefined(refusal(label, text))
  })

  it.each([
    ["a zero width space", "Te\u200ba", "U+200B"],
    ["a joiner between letters that don't join", "Te\u200da", "U+200D"],
    ["a non-joiner there", "Te\u200ca", "U+200C"],
    ["a joiner at the end of an emoji", "👨\u200d", "U+200D"],
    ["a joiner after a variation selector", "❤\ufe0f\u200d", "U+200D"],
    ["a variation selector alone", "\ufe0f", "U+FE0F"],
    ["two of them", "❤\ufe0f\ufe0f", "U+FE0F"],
    ["a filler", "\u3164", "U+3164"],
    ["a half-width filler", "a\uffa0", "U+FFA0"],
    ["a soft hyphen", "Tea\u00ad", "U+00AD"],
    ["a word joiner", "Tea\u2060", "U+2060"],
    ["a byte order mark", "\ufeffTea", "U+FEFF"],
    ["what turns the direction around", "Tea\u202eeeffoC", "U+202E"],
    ["a mark of direction", "Tea\u200f", "U+200F"],
    ["an isolate", "\u2066Tea\u2069", "U+2066"],
    ["a tag without a flag", "Tea\u{e0041}", "U+E0041"],
    ["an annotation", "Tea\ufff9", "U+FFF9"]
  ])("must not have %s", (_, text, code) => {
    assert.strictEqual(refusal(label, text), `has a character that can't be seen: ${code}`)
  })

  it.each(["", " ", "\u00a0\u3000", "\u2800", "\u0301"])("must not be blank: %j", (text) => {
    assert.strictEqual(refusal(label, text), "must not be blank")
  })

  it.each(["a\nb", "a\r", "a\tb", "a\u2028b", "a\u0000", "a\ud800"])("must be one line: %j", (text) => {
    assert.strictEqual(refusal(label, text), "must be one line of text")
  })

  it("is as long as what is kept of it", () => {
    assert.isUndefined(refusal(label, "e\u0301".repeat(200)))
    assert.strictEqual(refusal(label, "e\u0301".repeat(201)), "must have at most 200 characters")
  })
})

describe("paragraphs", () => {
  it.each(["", " ", "one\ntwo", "one\r\ntwo\rthree\t"])("may be %j", (text) => {
    assert.isUndefined(refusal(paragraphs(200), text))
  })

  it.each([
    ["a\u0000", "must be text without control characters"],
    ["a\u200b", "has a character that can't be seen: U+200B"],
    ["a".repeat(201), "must have at most 200 characters"]
  ])("must not be %j", (text, why) => {
    assert.strictEqual(refusal(paragraphs(200), text), why)
  })
})

describe("tidy", () => {
  it("has one spelling of a character, and one end of a line", () => {
    assert.strictEqual(tidy("e\u0301\r\na\rb\n"), "\u00e9\na\nb\n")
  })
})

describe("lookOf", () => {
  it("is the same for what can't be told apart", () => {
    for (const text of ["é", "e\u0301", " é ", "é\u00a0", "é\ufe0e"]) assert.strictEqual(lookOf(text), "é")
    assert.strictEqual(lookOf("a  b"), lookOf("a\u2800b"))
    assert.notStrictEqual(lookOf("Tea"), lookOf("tea"))
    const [england, scotland] = ["🏴\u{e0067}\u{e0062}\u{e0065}", "🏴\u{e0067}\u{e0062}\u{e0073}"]
    assert.notStrictEqual(lookOf(england ?? ""), lookOf(scotland ?? ""))
  })
})
