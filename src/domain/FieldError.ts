import { Schema } from "effect"

/**
 * One wrong field: `pointer` is a JSON pointer into the request's body, as a URI fragment (`#/option`). Apart from `Problems.ts`,
 * which the pages do without.
 */
export const FieldError = Schema.Struct({ pointer: Schema.String, detail: Schema.String })
export type FieldError = typeof FieldError.Type
