import { Flag } from "effect/cli"

/** A flag that takes a whole number from 1 on. */
export const oneOrMore = (name: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value > 0,
      () => "1 or more"
    )
  )

/** A flag that is off unless it is given. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

export const json = toggle("json", "Print JSON")
export const jsonLines = toggle("json", "Print JSON, one object a line")
