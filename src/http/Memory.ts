/** How many texts are known at a time, at most, and how long they are: 8 MiB, where all are as long as that. */
const places = 4_096
const longest = 2_048

/**
 * Returns what is known of a signed text, or else what `find` returns. Nothing is kept of a text of which nothing is found. The text
 * is one that was put together for this: of a part of a header, V8 would keep the whole header.
 */
export type Memory<Found> = (text: string, find: () => Found | undefined) => Found | undefined

/**
 * Returns the place of a text by its end, which is of a signature: nobody can choose it, and one is as good as another. To put a text
 * into a map, which looks at all of it and grows, took longer than to check it.
 */
const placeOf = (text: string): number => {
  let place = 0
  for (let at = text.length - 5; at < text.length - 1; at++) place = place * 31 + text.charCodeAt(at)
  return place % places
}

/** Makes a memory for what depends on nothing but the text. Where there is no other place, a text takes that of an older one. */
export const makeMemory = <Found>(): Memory<Found> => {
  const texts = new Array<string>(places).fill("")
  const founds = new Array<Found | undefined>(places).fill(undefined)
  return (text, find) => {
    const place = placeOf(text)
    if (texts[place] === text) return founds[place]
    const found = find()
    if (found !== undefined && text.length <= longest) {
      texts[place] = text
      founds[place] = found
    }
    return found
  }
}
