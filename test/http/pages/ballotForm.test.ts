import { assert, describe, it } from "@effect/vitest"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { type FlatRules, rulesOf } from "../../../src/domain/Rules.ts"
import { ballotForm, type Refilled } from "../../../src/http/pages/BallotForm.ts"

const options = ["Apples", "Pears & more"].map((label, index) => ({ id: `o${index}`, label }))

const pollOf = (flat: Omit<FlatRules, "options">, abstain = false): Poll => ({
  ...defaultPoll,
  options,
  rules: rulesOf({ ...flat, options }),
  abstain
})

const refilled = (fields: string, byOption: Readonly<Record<string, string>> = {}, whole = ""): Refilled => ({
  fields: new URLSearchParams(fields),
  errors: { whole, options: new Map(Object.entries(byOption)) }
})

const render = (poll: Poll, again?: Refilled, enabled = true): string => ballotForm(poll, enabled, again).html

/** Returns the names of what the form sends. */
const namesIn = (markup: string): ReadonlyArray<string> => [
  ...new Set([...markup.matchAll(/\sname="([^"]+)"/g)].map(([, name]) => name ?? ""))
]

describe("the form of a ballot that is filled in", () => {
  it.each([
    [{ kind: "multiple" }, ["options"], 'type="checkbox"'],
    [{ kind: "score" }, ["score-o0", "score-o1"], 'type="radio"'],
    [{ kind: "score", min: -100, max: 100 }, ["score-o0", "score-o1"], 'type="number"'],
    [{ kind: "points", budget: 10 }, ["points-o0", "points-o1"], 'min="0" max="10"'],
    [{ kind: "ranked" }, ["rank-o0", "rank-o1"], "<select"]
  ] as const)("has the fields of %j, which need no script", (flat, names, control) => {
    const markup = render(pollOf(flat))
    assert.deepStrictEqual(namesIn(markup), names)
    assert.include(markup, control)
    assert.include(markup, "Pears &amp; more")
    assert.notInclude(markup, "disabled")
    assert.notInclude(markup, 'id="abstain"')
  })

  it("has a button to abstain where that is possible, and none that works while the poll is not open", () => {
    const markup = render(pollOf({ kind: "multiple" }, true), undefined, false)
    assert.include(markup, 'name="abstain" value="true"')
    assert.lengthOf(markup.match(/disabled/g) ?? [], 3)
  })

  it("comes back with what was sent, and with what is wrong beside it", () => {
    const scores = render(pollOf({ kind: "score" }), refilled("score-o1=3", { o0: "Needs <b>a score." }))
    assert.include(scores, 'name="score-o1" value="3"  checked')
    assert.include(scores, '<p class="field-error" id="error-o0">Needs &lt;b&gt;a score.</p>')
    const wrong = render(pollOf({ kind: "score", max: 100 }), refilled("score-o0=101", { o0: "Too much." }))
    assert.match(wrong, /value="101" aria-describedby="error-o0" aria-invalid="true"/)
    assert.lengthOf(wrong.match(/aria-invalid/g) ?? [], 1)
    const boxes = render(pollOf({ kind: "multiple" }), refilled("options=o0&options=o1", {}, "Please choose 1."))
    assert.lengthOf(boxes.match(/ checked/g) ?? [], 2)
    assert.include(boxes, 'role="alert">Please choose 1.</p>')
    assert.include(render(pollOf({ kind: "points", budget: 9 }), refilled("points-o0=%22x")), 'value="&quot;x"')
    assert.include(render(pollOf({ kind: "ranked" }), refilled("rank-o1=2")), "<option selected>2</option>")
  })
})
