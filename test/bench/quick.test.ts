import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { inject } from "vitest"

const main = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const bench = (...args: ReadonlyArray<string>) =>
  Effect.tryPromise(() =>
    promisify(execFile)(process.execPath, [main, ...args], {
      env: { ...process.env, REDIS_URL: inject("redisUrl"), DATABASE_URL: inject("databaseUrl") }
    })
  )

const names = [
  "ingest",
  "replicas",
  "drain",
  "many",
  "consumers",
  "end-to-end",
  "steady",
  "results",
  "pages",
  "viewers",
  "quiet",
  "start",
  "memory",
  "growth",
  "disk",
  "rounds",
  "desk"
]

/** Those that have what the others are made of. */
const looked = ["ingest", "drain", "end-to-end", "steady", "start"]

/** Decodes one line of `--json`, which has no figure that is not a number. */
const decode = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      bench: Schema.String,
      rows: Schema.NonEmptyArray(
        Schema.Struct({
          what: Schema.NonEmptyString,
          unit: Schema.NonEmptyString,
          value: Schema.optionalKey(Schema.Finite),
          range: Schema.optionalKey(Schema.Tuple([Schema.Finite, Schema.Finite])),
          cpu: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
          target: Schema.optionalKey(
            Schema.Union([Schema.Struct({ atLeast: Schema.Finite }), Schema.Struct({ atMost: Schema.Finite })])
          ),
          note: Schema.optionalKey(Schema.String)
        })
      )
    })
  )
)

describe("the benchmarks", () => {
  it.live(
    "run, and have a figure in every row, but for peers that are left out",
    () =>
      Effect.gen(function* () {
        const { stdout } = yield* bench("--quick", "--json", ...looked)
        const tables = stdout
          .trim()
          .split("\n")
          .map((line) => decode(line))
        assert.deepStrictEqual(
          tables.map((table) => table.bench),
          looked
        )
        for (const { rows } of tables) {
          const skipped = rows.filter(({ note }) => note !== undefined).map(({ what }) => what.replace(/^[\w-]+: /, ""))
          for (const { value, what } of rows) {
            assert.strictEqual(
              value === undefined,
              skipped.some((name) => what.includes(name)),
              what
            )
          }
        }
        assert.isAbove(tables.flatMap(({ rows }) => rows).filter(({ target }) => target !== undefined).length, 10)
      }),
    240_000
  )

  it.live("say what there is to measure, and which name is wrong", () =>
    Effect.gen(function* () {
      const { stdout } = yield* bench("--help")
      for (const name of names) assert.include(stdout, name)
      const error = yield* Effect.flip(bench("igest"))
      assert.include(String(error.cause), "No such benchmark: igest")
    })
  )
})
