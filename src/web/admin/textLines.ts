/** Blanks between words, but for those of a name that is set apart: its parts would not know that they belong together. */
const blanks = /\s+(?![^\u2068\u2069]*\u2069)/

/** Breaks a text into lines that are at most so wide, also within a word that is wider than that. */
export const linesOf = (widthOf: (line: string) => number, text: string, most: number): ReadonlyArray<string> => {
  const fits = (line: string): boolean => widthOf(line) <= most
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(blanks)) {
    const longer = line === "" ? word : `${line} ${word}`
    if (fits(longer)) {
      line = longer
      continue
    }
    if (line !== "") lines.push(line)
    line = ""
    for (const character of word) {
      if (fits(line + character)) line += character
      else {
        lines.push(line)
        line = character
      }
    }
  }
  return [...lines, line]
}
