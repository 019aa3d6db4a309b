/** How many texts are known at a time, at most, and how long they are: 8 MiB, where all are as long as that. */
const places = 4_096
const longest = 2_048

/**
 * Returns what is known of a text, or else what `find` returns. Nothing is kept of a text of which nothing is found. The text is one
 * that was put together for this: of a part of a header, V8 would keep the whole header. That goes for what is found, too.
 */
export type Memory<Found> = <Looked extends Found | undefined>(text: string, find: () => Looked) => Found | Looked

/**
 * Returns the place of a text by its end, which is of a signature or a random id: nobody can choose it, and one is as good as another.
 * To put a text into a map, which looks at all of it and grows, took longer than to check it.
 */
const placeOf = (text: string): number => {
  let place = 0
  for (let at = text.length - 5; at < text.length - 1; at++) place = place * 31 + text.charCodeAt(at)
  return place % places
}

/** A text, and what was found of it. */
interface Kept<Found> {
  readonly text: string
  readonly found: Found
}

/** Makes a memory for what depends on nothing but the text. Where there is no other place, a text takes that of an older one. */
export const makeMemory = <Found>(): Memory<Found> => {
  const kept = new Array<Kept<Found> | undefined>(places).fill(undefined)
  return (text, find) => {
    const place = placeOf(text)
    const known = kept[place]
    if (known?.text === text) return known.found
    const found = find()
    if (found !== undefined && text.length <= longest) kept[place] = { text, found }
    return found
  }
}
