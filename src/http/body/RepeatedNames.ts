import { maxFieldErrors, pointerTo } from "../../domain/JsonPointer.ts"
import type { FieldError } from "../../domain/Problems.ts"

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g

/** Finds the names that an object in a JSON text has twice, of which a parser tells nothing: it keeps the last of them. */
export const findRepeatedNames = (json: string): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  /** Where we are: a name in an object or a place in a list, each within the one before. */
  const path: Array<string | number> = []
  const named: Array<Set<string>> = []
  let last = ""
  for (const [token] of json.matchAll(tokens)) {
    const depth = path.length - 1
    const at = path[depth]
    if (token === "{" || token === "[") {
      path.push(token === "{" ? "" : 0)
      named.push(new Set())
    } else if (token === "}" || token === "]") {
      path.pop()
      named.pop()
    } else if (token === ",") {
      if (typeof at === "number") path[depth] = at + 1
    } else if (token === ":") {
      const name = String(JSON.parse(last))
      path[depth] = name
      if (named[depth]?.has(name) === true && errors.length < maxFieldErrors) {
        errors.push({ pointer: pointerTo(path), detail: "is there twice" })
      }
      named[depth]?.add(name)
    } else last = token
  }
  return errors
}
