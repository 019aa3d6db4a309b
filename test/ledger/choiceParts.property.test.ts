import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type Part, partsOf } from "../../src/domain/ChoiceParts.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { choosing, someRules } from "../support/choosing.ts"
import { uniqueName } from "../support/names.ts"
import { layerServers } from "../support/servers.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"

/** What choices are made of, and what they are not made of. */
const Pieces = Schema.Array(
  Schema.Literals(
    [
      "a",
      "b",
      "c",
      "7",
      "x",
      "A",
      "",
      "+",
      ">",
      ",",
      ":",
      "-",
      "0",
      "1",
      "5",
      "10",
      "-3",
      "1.5",
      "05",
      " ",
      "\n"
    ].concat(["b:0,a:5", "b:7,c:3", "b:1,a:2,c:3,7:4", "b+a+7", "b>7>a", "c>a>7>b", "a:10", "b+a"])
  )
).check(Schema.isMaxLength(7))
const Texts = Schema.Array(Pieces).check(Schema.isMaxLength(60))

layer(layerServers(), { excludeTestServices: true })("choice_parts", (it) => {
  for (const rules of someRules) {
    for (const abstain of [false, true]) {
      const poll = { ...choosing(rules, abstain), slug: uniqueName("poll").replace("_", "-") }
      const created = Effect.runSync(
        Effect.cached(
          Effect.gen(function* () {
            yield* (yield* Ledger).migrated
            const options = poll.options.map(({ id }) => ({ id, label: id }))
            yield* (yield* PollActs).create({ ...teaOrCoffeePoll, ...poll, options }, 0)
          })
        )
      )

      it.effect.prop(
        `says what partsOf says of any text , of ${JSON.stringify(rules)}${abstain ? " with abstentions" : ""}`,
        [Texts],
        ([lists]) =>
          Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            yield* created
            const texts = ["-", ...lists.map((pieces) => pieces.join(""))]
            const rows = yield* sql<{ choice: string; parts: ReadonlyArray<object> }>`
              with asked as (
                select array_agg(distinct choice) as choices from jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb) c (choice)
              )
              select choices[p.number] as choice, json_agg(json_build_object('option', p.option, 'value', p.value)) as parts
              from asked, choice_parts(array_fill(${poll.slug}::text, array[cardinality(choices)]), choices) p
              group by 1`
            const hasValues = rules.kind === "score" || rules.kind === "points"
            /** An option that the choice adds to the tally of. */
            const tallied = ({ option, value }: Part, index: number) =>
              rules.kind === "ranked" && index > 0 ? [] : [{ option, value: hasValues ? value : null }]
            const said = new Map(rows.map(({ choice, parts }) => [choice, parts]))
            for (const text of texts) {
              const parts = partsOf(poll, text)
              const expected = parts?.length === 0 ? [{ option: null, value: null }] : parts?.flatMap(tallied)
              assert.deepStrictEqual(said.get(text), expected, JSON.stringify(text))
            }
          })
      )
    }
  }
})
