import { assert, it } from "@effect/vitest"
import { toView } from "../../../src/domain/PollView.ts"
import { tellHistory } from "../../../src/web/words/changeWords.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"

it("a poll was closed in between once that is over, not while it is being changed", () => {
  const poll = toView({ ...teaOrCoffeePoll, slug: "tea-or-coffee", shut: [[1_000, 11_000]] }, 0)
  const told = [0, 1_000, 10_999, 11_000].map((now) => tellHistory(poll, now).length)
  assert.deepStrictEqual(told, [0, 0, 0, 1])
})
