import { Effect, Redacted } from "effect"
import { inject } from "vitest"
import { uniqueName } from "./names.ts"
import { query } from "./query.ts"

const make = (template: Effect.Effect<string>) =>
  Effect.gen(function* () {
    const server = inject("databaseUrl")
    const run = (statement: string) => Effect.orDie(query(Redacted.make(server), statement))
    const [name, from] = [uniqueName("test"), yield* template]
    yield* Effect.acquireRelease(run(`create database "${name}" template "${from}" strategy file_copy`), () =>
      run(`drop database "${name}" with (force)`)
    )
    const url = new URL(server)
    url.pathname = name
    return Redacted.make(url.href)
  })

/** The URL of an empty database that lives as long as the scope. */
export const makeEmptyDatabase = make(Effect.succeed("template1"))

/** The URL of a database that lives as long as the scope, a copy of one in which the tables and functions were made. */
export const makeDatabase = make(Effect.sync(() => inject("template")))
