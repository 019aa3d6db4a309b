/** An answer repeats at most so many characters of a name that the client chose. */
const maxLength = 64

/** Returns a field's name as a token of a JSON pointer in a URI fragment. */
export const pointerToken = (name: string): string =>
  encodeURIComponent(name.slice(0, maxLength).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1"))
