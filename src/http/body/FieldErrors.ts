import { type Schema, SchemaIssue } from "effect"
import type { FieldError } from "../../domain/Problems.ts"
import { pointerToken } from "./JsonPointer.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** An answer names at most so many wrong fields. */
const maxErrors = 20

/** Returns what is wrong with a body by its schema, field by field; what was sent is not repeated. */
export const fieldErrors = ({ issue }: Schema.SchemaError): ReadonlyArray<FieldError> =>
  formatIssues(issue)
    .issues.slice(0, maxErrors)
    .map(({ message, path = [] }) => ({
      pointer: ["#", ...path.map((part) => pointerToken(String(typeof part === "object" ? part.key : part)))].join("/"),
      detail: message.replace(/,? (got|actual) .*$/su, "")
    }))
