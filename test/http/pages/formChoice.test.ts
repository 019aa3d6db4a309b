import { assert, describe, it } from "@effect/vitest"
import type { Rules } from "../../../src/domain/Rules.ts"
import { formChoice } from "../../../src/http/pages/FormChoice.ts"
import { choosing } from "../../support/choosing.ts"

const multiple: Rules = { kind: "multiple", min: 1, max: 3 }
const score: Rules = { kind: "score", min: -1, max: 5, every: false }
const points: Rules = { kind: "points", budget: 10, spendAll: false }
const ranked: Rules = { kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "previous_rounds" }

const read = (rules: Rules, form: string): unknown => {
  const choice = formChoice(new URLSearchParams(form), choosing(rules, true))
  return typeof choice === "string" ? choice : choice.map(({ pointer }) => pointer)
}

describe("the choice of a form", () => {
  it.each<readonly [Rules, form: string, choice: string]>([
    [{ kind: "single" }, "option=a&key=k", "a"],
    [multiple, "options=a&options=b&key=k&token=", "b+a"],
    [score, "score-b=&score-a=5&score-c=-1&score-7=", "a:5,c:-1"],
    [points, "points-b=3&points-a=0&points-c=7&points-7=", "b:3,c:7"],
    [ranked, "rank-b=2&rank-a=&rank-c=1&rank-7=3", "c>b>7"],
    [ranked, "abstain=true&rank-a=", "-"],
    [{ kind: "single" }, "abstain=true", "-"]
  ])("of %j in %s is %s", (rules, form, choice) => {
    assert.strictEqual(read(rules, form), choice)
  })

  it.each<readonly [Rules, form: string, pointers: ReadonlyArray<string>]>([
    [{ kind: "single" }, "", ["#/option"]],
    [{ kind: "single" }, "option=a&option=b", ["#/option"]],
    [{ kind: "single" }, "option=a&options=b", ["#/options"]],
    [multiple, "", ["#/options"]],
    [multiple, "options=a&options=a", ["#/options/1"]],
    [multiple, "option=a", ["#/options", "#/option"]],
    [
      score,
      "score-a=1.5&score-b=x&score-c=6&score-x=1&score-7=-0",
      ["#/scores/7", "#/scores/a", "#/scores/b", "#/scores/c", "#/scores/x"]
    ],
    [score, "score-a=1&score-a=2", ["#/scores/a"]],
    [score, "score-a=1&score-a=1", ["#/scores/a"]],
    [score, "score-__proto__=1", ["#/scores/__proto__"]],
    [score, "score-a=1&points-a=1", ["#/points"]],
    [points, "points-a=9&points-b=2", ["#/points"]],
    [points, "points-a=1e1", ["#/points/a"]],
    [ranked, "rank-a=1&rank-b=1", ["#/ranking"]],
    [ranked, "rank-a=1&rank-b=3", ["#/ranking"]],
    [ranked, "rank-a=0", ["#/ranking"]],
    [ranked, "rank-a=first", ["#/ranking"]],
    [ranked, "rank-x=1", ["#/ranking/0"]],
    [ranked, "rank-a=1&abstain=true", ["#/ranking"]],
    [ranked, "abstain=yes", ["#/abstain"]],
    [ranked, "abstain=true&abstain=true", ["#/abstain"]],
    [ranked, "abstain=no&abstain=true", ["#/abstain"]],
    [{ kind: "single" }, "option=a&Option=b", ["#/Option"]],
    [{ kind: "single" }, "option=a&__proto__=b&scores=1", ["#/__proto__", "#/scores"]],
    [multiple, "options=a&options[]=b", ["#/options%5B%5D"]],
    [multiple, `options=a${"&x=y".repeat(30)}`, Array(20).fill("#/x")],
    [score, "scores=5", ["#/scores"]],
    [score, "score-a=1&scores=5", ["#/scores"]],
    [ranked, "ranking=a&ranking=b", ["#/ranking", "#/ranking"]]
  ])("of %j is not in %s", (rules, form, pointers) => {
    assert.deepStrictEqual(read(rules, form), pointers)
  })
})
