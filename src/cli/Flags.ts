import { Flag } from "effect/cli"

/** A flag that takes a whole number from 1 on. */
export const oneOrMore = (name: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value > 0,
      () => "1 or more"
    )
  )
