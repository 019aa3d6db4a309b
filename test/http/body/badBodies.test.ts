import { gzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi, vote } from "../../support/api.ts"
import { freshWorld } from "../../support/world.ts"

const oneField = "A vote is an object with one field, option: cats or dogs"

layer(layerApi(), { excludeTestServices: true })("the body of a vote", (it) => {
  it.effect.each<readonly [name: string, body: string | Buffer, status: number, detail: string, pointers?: string[]]>([
    ["nothing", "", 400, 'The body is empty; send {"option": …} as JSON'],
    ["no JSON", "option=cats", 400, "The body is not JSON"],
    ["half of it", '{"option":"cats"', 400, "The body is not JSON"],
    ["more than it", '{"option":"cats"}}', 400, "The body is not JSON"],
    ["a byte order mark", '\ufeff{"option":"cats"}', 400, "The body is not JSON"],
    ["UTF-16", Buffer.from('{"option":"cats"}', "utf16le"), 400, "The body is not JSON"],
    ["invalid UTF-8", Buffer.from('{"option":"c\u00e4ts"}', "latin1"), 400, "The body is not UTF-8"],
    ["a raw control character", '{"option":"ca\u0000ts"}', 400, "The body is not JSON"],
    ["8,000 arrays in each other", "[".repeat(8_000) + "]".repeat(8_000), 422, oneField, ["#"]],
    ["1,400 objects in each other", `${'{"option":'.repeat(1_400)}1${"}".repeat(1_400)}`, 422, oneField, ["#/option"]],
    ["10,000 arrays left open", "[".repeat(10_000), 400, "The body is not JSON"],
    ["null", "null", 422, oneField, ["#"]],
    ["a string", '"cats"', 422, oneField, ["#"]],
    ["a list of votes", '[{"option":"cats"}]', 422, oneField, ["#"]],
    ["no option", "{}", 422, oneField, ["#/option"]],
    ["an option of another type", '{"option":1}', 422, oneField, ["#/option"]],
    ["null for an option", '{"option":null}', 422, oneField, ["#/option"]],
    ["an option of another poll", '{"option":"birds"}', 422, oneField, ["#/option"]],
    ["the option's label", '{"option":"Cats"}', 422, oneField, ["#/option"]],
    ["an extra field", '{"option":"cats","weight":100}', 422, oneField, ["#/weight"]],
    ["__proto__", '{"option":"cats","__proto__":{"admin":true}}', 422, oneField, ["#/__proto__"]],
    ["an option by __proto__", '{"__proto__":{"option":"cats"}}', 422, oneField, ["#/option", "#/__proto__"]],
    ["a lone surrogate", '{"option":"\\ud800"}', 422, oneField, ["#/option"]],
    ["a lone surrogate for a field", '{"option":"cats","\\ud800":1}', 422, oneField, ["#/%EF%BF%BD"]],
    [
      "a field whose surrogates are cut apart",
      `{"option":"cats","${"a".repeat(63)}😀":1}`,
      422,
      oneField,
      [`#/${"a".repeat(63)}%EF%BF%BD`]
    ],
    ["\\u0000", '{"option":"cats\\u0000"}', 422, oneField, ["#/option"]],
    ["\\u0000 in a field", '{"option":"cats","a\\u0000":1}', 422, oneField, ["#/a%00"]],
    ["an option of 16 KB", `{"option":"${"x".repeat(16_000)}"}`, 422, oneField, ["#/option"]],
    ["a field of 16 KB", `{"option":"cats","${"x".repeat(16_000)}":1}`, 422, oneField, [`#/${"x".repeat(64)}`]],
    ["SQL", `{"option":"cats'; drop table tally; --"}`, 422, oneField, ["#/option"]],
    ["SQL in a field", `{"option":"cats","'; drop table tally":1}`, 422, oneField, ["#/'%3B%20drop%20table%20tally"]],
    ["HTML", '{"option":"<img src=x onerror=alert(1)>"}', 422, oneField, ["#/option"]],
    ["HTML in a field", '{"option":"cats","<script>":1}', 422, oneField, ["#/%3Cscript%3E"]],
    ["a pointer's own characters in a field", '{"option":"cats","a/b~c":1}', 422, oneField, ["#/a~1b~0c"]]
  ])("refuses %s", ([, body, status, detail, pointers]) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const problem = assertProblem(yield* vote(body), status)
      assert.strictEqual(problem.detail, detail)
      assert.strictEqual(problem.instance, "/api/vote")
      const errors = problem.errors as ReadonlyArray<{ pointer: string }> | undefined
      assert.deepStrictEqual(
        errors?.map(({ pointer }) => pointer),
        pointers
      )
      assert.deepStrictEqual(world.votes, [])
    })
  )

  it.effect("names twenty unknown fields at most", () =>
    Effect.gen(function* () {
      const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, 1]))
      const { errors } = assertProblem(yield* vote(JSON.stringify({ option: "cats", ...fields })), 422)
      assert.strictEqual((errors as ReadonlyArray<unknown>).length, 20)
    })
  )

  it.effect.each<readonly [name: string, headers: Record<string, string>, body: string | Buffer]>([
    ["gzip", { "content-encoding": "gzip" }, gzipSync('{"option":"cats"}')],
    ["gzip that is none", { "content-encoding": "gzip" }, '{"option":"cats"}'],
    ["another charset", { "content-type": "application/json; charset=utf-16" }, '{"option":"cats"}'],
    ["two charsets", { "content-type": "application/json; charset=utf-8; charset=utf-16" }, '{"option":"cats"}'],
    ["a charset apart from its name", { "content-type": "application/json; charset =utf-16" }, '{"option":"cats"}'],
    ["a charset's other form", { "content-type": "application/json; charset*=utf-16''" }, '{"option":"cats"}'],
    ["half a charset", { "content-type": 'application/json; charset="utf-8' }, '{"option":"cats"}'],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "option=cats"],
    ["plain text, which pages may send anywhere", { "content-type": "text/plain" }, '{"option":"cats"}']
  ])("refuses %s with 415", ([, headers, body]) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      assert.isString(assertProblem(yield* vote(body, headers), 415).detail)
      assert.deepStrictEqual(world.votes, [])
    })
  )
})
