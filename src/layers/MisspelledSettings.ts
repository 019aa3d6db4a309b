import { definitions } from "./Settings.ts"

const known = Object.values(definitions).flatMap(({ fileName, name }) => (fileName ? [name, fileName] : [name]))

/**
 * Returns a sentence for each name in the environment that is no setting and nearly one. Names that are common anyway,
 * such as HOME beside HOST, must not be among them: the first letter has to be right, and of a short name the last one
 * too.
 */
export const misspelledSettings = (env: NodeJS.ProcessEnv): ReadonlyArray<string> =>
  Object.entries(env).flatMap(([name, value]) => {
    if (!value || known.includes(name)) return []
    const meant = known.find((setting) => isNear(name, setting))
    return meant === undefined ? [] : [`${name} is set, and is no setting; did you mean ${meant}?`]
  })

const isNear = (name: string, setting: string): boolean => {
  const isShort = setting.length < 6
  return (
    name[0] === setting[0] &&
    (!isShort || name.at(-1) === setting.at(-1)) &&
    Math.abs(name.length - setting.length) <= 2 &&
    isWithin(isShort ? 1 : 2, name, setting)
  )
}

/**
 * Returns whether at most so many edits make one text of the other. An edit adds a letter, leaves one out, or swaps two
 * that stand side by side; a wrong letter takes two edits.
 */
const isWithin = (edits: number, one: string, other: string): boolean => {
  if (one === other) return true
  if (edits === 0) return false
  let same = 0
  while (one[same] === other[same]) same++
  const [a, b] = [one.slice(same), other.slice(same)]
  const swapped = a[0] === b[1] && a[1] === b[0]
  return (
    isWithin(edits - 1, a.slice(1), b) ||
    isWithin(edits - 1, a, b.slice(1)) ||
    (swapped && isWithin(edits - 1, a.slice(2), b.slice(2)))
  )
}
