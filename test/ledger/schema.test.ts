import { createHash } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { ledgerSchema } from "../../src/ledger/LedgerSchema.ts"
import { migrate } from "../../src/ledger/Migrations.ts"
import { makeEmptyDatabase } from "../support/databases.ts"
import { dumpSchema } from "./dumpSchema.ts"

/** The version of `LedgerSchema.ts`, and the checksum of the files that it has been given for. */
const checked = { version: 29, checksum: "2baf120cbeacd156" }

const folder = (name: string) => fileURLToPath(new URL(`../../src/ledger/${name}`, import.meta.url))

const textsIn = (name: string) =>
  readdirSync(folder(name))
    .sort()
    .map((file) => ({ file, text: readFileSync(`${folder(name)}/${file}`, "utf8") }))

const dump = fileURLToPath(new URL("schema.sql", import.meta.url))

describe("the ledger's schema", () => {
  it("has a new version with each change of a file", () => {
    const files = [...textsIn("tables"), ...textsIn("functions")]
    const checksum = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16)
    assert.deepStrictEqual(
      { version: ledgerSchema.version, checksum },
      checked,
      "A file in src/ledger/tables or src/ledger/functions has changed. Raise the version in src/ledger/LedgerSchema.ts " +
        `by one, so that databases get the change, and write it here with the checksum "${checksum}".`
    )
  })

  it("is made of all files, and of each step by its number", () => {
    const functions = textsIn("functions")
    assert.sameMembers(
      [...ledgerSchema.functions],
      functions.map(({ text }) => text)
    )
    for (const { file, text } of functions) {
      assert.include(text, `\ncreate or replace function ${file.replace(/\.sql$/, "")}(`, `${file} is named after it`)
      assert.lengthOf(text.match(/^create /gm) ?? [], 1, `${file} is one statement`)
    }
    assert.deepStrictEqual(
      ledgerSchema.steps.map(({ number, text }) => [number, text]),
      textsIn("tables").map(({ file, text }) => [Number.parseInt(file, 10), text])
    )
    assert.isAtMost(Math.max(...ledgerSchema.steps.map(({ number }) => number)), ledgerSchema.version)
  })

  it.live("is what schema.sql says", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const { functions, partitions, tables, views } = yield* Effect.andThen(migrate(), dumpSchema).pipe(
        Effect.provide(layerPostgres(url, 1))
      )
      const text = `-- What a new database holds: read from PostgreSQL, and held to src/ledger/tables and src/ledger/functions by
-- schema.test.ts. What each is for is said there.

${tables.join("\n\n")}

${partitions.join("\n")}

${[...views, ...functions].map((line) => `-- ${line}`).join("\n")}
`
      if (process.env.WRITE_SCHEMA) writeFileSync(dump, text)
      assert.strictEqual(
        readFileSync(dump, "utf8"),
        text,
        "test/ledger/schema.sql is of another schema. Write it anew: WRITE_SCHEMA=1 script/test test/ledger/schema.test.ts"
      )
    }).pipe(Effect.scoped)
  )

  it.live("has rows that logical replication can name, in all tables that more is done with than adding to them", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* migrate()
      const nameless = yield* sql<{ name: string }>`
        select relname as name from pg_class c
        where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace and relreplident = 'd'
          and not exists (select from pg_index where indrelid = c.oid and indisprimary)`
      assert.deepStrictEqual(
        nameless.map(({ name }) => name),
        ["tallykeep_schema"]
      )
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(makeEmptyDatabase, (url) => layerPostgres(url, 1)))))
  )
})
