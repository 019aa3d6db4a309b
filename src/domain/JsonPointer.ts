/** An answer repeats at most so many characters of a name that the client chose. */
const maxLength = 64

/** An answer names at most so many wrong fields. */
export const maxFieldErrors = 20

/** Returns a JSON pointer to a value, as a URI fragment. */
export const pointerTo = (path: ReadonlyArray<PropertyKey>): string => ["#", ...path.map(tokenOf)].join("/")

const tokenOf = (part: PropertyKey): string =>
  encodeURIComponent(
    String(part)
      .slice(0, maxLength)
      .replace(/\p{Surrogate}/gu, "\ufffd")
      .replaceAll("~", "~0")
      .replaceAll("/", "~1")
  )
