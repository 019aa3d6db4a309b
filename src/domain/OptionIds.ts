/*
 * Names for addresses, made from words of any script. Apart from `Poll.ts`, whose schemas the pages do without.
 */

/** What such a name is: 1 to 64 of `a-z`, `0-9` and `-`, not at either end. */
export const slugPattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/

/** Letters that Unicode does not take apart, or that are written with an `e` where they can't be written as they are. */
const letters: Readonly<Record<string, string>> = {
  ä: "ae",
  ö: "oe",
  ü: "ue",
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ð: "d",
  đ: "d",
  þ: "th",
  ł: "l",
  ħ: "h",
  ı: "i"
}

/** Returns a name for an address: `Cats or dogs?` becomes `cats-or-dogs`. It is empty where nothing can be spelled in `a-z`. */
export const toSlug = (text: string): string =>
  text
    .toLowerCase()
    .normalize("NFC")
    .replace(/[\u00e4\u00f6\u00fc]/g, (letter) => letters[letter] ?? letter)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, (letter) => letters[letter] ?? "-")
    .replace(/-+/g, "-")
    .replace(/^-/, "")
    .slice(0, 64)
    .replace(/-$/, "")

/** Gives each option without an id one that no other has, of at most so many characters: made from its label, else `option-<n>`. */
export const withIds = (
  options: ReadonlyArray<{ readonly id?: string | undefined; readonly label: string }>,
  longest = 64
): ReadonlyArray<{ readonly id: string; readonly label: string }> => {
  const taken = new Set(options.map(({ id }) => id))
  const take = (id: string): string | undefined => {
    if (id === "" || taken.has(id)) return undefined
    taken.add(id)
    return id
  }
  const spelled = options.map(({ id, label }) => ({
    id: id ?? take(toSlug(label).slice(0, longest).replace(/-$/, "")),
    label
  }))
  return spelled.map(({ id, label }, index) => {
    for (let n = index + 1, made = id; ; n++) {
      if (made !== undefined) return { id: made, label }
      made = take(`option-${n}`)
    }
  })
}
