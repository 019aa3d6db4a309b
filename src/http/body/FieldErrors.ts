import type { Schema, SchemaAST, SchemaIssue } from "effect"
import { maxFieldErrors, pointerTo } from "../../domain/JsonPointer.ts"
import type { FieldError } from "../../domain/Problems.ts"

/** Returns what a value of a schema is, in words. */
const kindOf = (ast: SchemaAST.AST): string => {
  switch (ast._tag) {
    case "String":
      return "a string"
    case "Number":
      return "a number"
    case "Arrays":
      return "a list"
    case "Objects":
      return "an object"
    case "Null":
      return "null"
    case "Literal":
      return String(ast.literal)
    case "Union":
      return inWords(ast.types.map(kindOf))
    default:
      return "of another type"
  }
}

/** Returns a choice in words: `a, b or c`. */
export const inWords = (choices: ReadonlyArray<string>): string =>
  choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`

interface Wrong {
  readonly path: ReadonlyArray<PropertyKey>
  readonly detail: string
}

/** Whether it says no more than that a field is not null, which takes it away, either. */
const isNotNull = (issue: SchemaIssue.Issue): boolean => issue._tag === "InvalidType" && issue.ast._tag === "Null"

/** Returns each wrong field in words: those of the check that it fails, where it has any. A schema's own are for programmers. */
const findWrong = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): ReadonlyArray<Wrong> => {
  switch (issue._tag) {
    case "Filter": {
      const message = issue.filter.annotations?.message
      return typeof message === "string" ? [{ path, detail: message }] : findWrong(issue.issue, path)
    }
    case "Encoding":
      return findWrong(issue.issue, path)
    case "Pointer":
      return findWrong(issue.issue, [...path, ...issue.path])
    case "Composite":
      return issue.issues.flatMap((one) => findWrong(one, path))
    case "MissingKey":
      return [{ path, detail: "is missing" }]
    case "UnexpectedKey":
      return [{ path, detail: "is not a field of this" }]
    case "AnyOf":
      // An endpoint's payload is one of all that it takes: of one, here.
      if (issue.issues.some((one) => !isNotNull(one))) {
        return issue.issues.flatMap((one) => (isNotNull(one) ? [] : findWrong(one, path)))
      }
      return [{ path, detail: `must be ${kindOf(issue.ast)}` }]
    case "InvalidType":
      return [{ path, detail: `must be ${kindOf(issue.ast)}` }]
    default: {
      const message = "annotations" in issue ? issue.annotations?.message : undefined
      return [{ path, detail: typeof message === "string" ? message : "is not valid" }]
    }
  }
}

/** Returns what is wrong with a body by its schema, field by field; what was sent is not repeated. */
export const fieldErrors = ({ issue }: Schema.SchemaError): ReadonlyArray<FieldError> =>
  findWrong(issue, [])
    .slice(0, maxFieldErrors)
    .map(({ detail, path }) => ({ pointer: pointerTo(path), detail }))
