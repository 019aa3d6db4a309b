import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

type Type = keyof typeof PgTypes.OID

/** Returns a whole number as a parameter of the type `int8`; null where there is none. */
export const int8 = (value: number | bigint | undefined): PgTypes.Parameter =>
  PgTypes.int8(value === undefined ? null : BigInt(value))

/** Returns values as a parameter that is an array of a type. */
export const arrayOf = (type: Type, values: ReadonlyArray<unknown> | null): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, PgTypes.OID[type]))

/** Returns what some rows have each as such an array. */
export const column = <Row>(rows: ReadonlyArray<Row>, type: Type, valueOf: (row: Row) => unknown): PgTypes.Parameter =>
  arrayOf(type, rows.map(valueOf))
