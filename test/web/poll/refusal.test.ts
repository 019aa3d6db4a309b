import { assert, it } from "@effect/vitest"
import { explainRefusal } from "../../../src/web/poll/refusal.ts"
import { trouble, vote } from "../../../src/web/words.ts"

const refusal = (status: number, detail: string, type = "about:blank") =>
  explainRefusal({ status, detail, type, fields: [] }, { identity: "browser", open: true, hasToken: false })

it("a refused vote is said not to be taken, in whole sentences, whoever says why", () => {
  const said = (status: number, detail: string) => vote.notTaken(refusal(status, detail))
  assert.strictEqual(said(422, "Not an option"), "Not an option. Your vote was not taken.")
  assert.strictEqual(said(404, "There is no such poll"), `${trouble.gone} Your vote was not taken.`)
  assert.strictEqual(said(400, ""), `${trouble.unknown} Your vote was not taken.`)
  const closed = vote.notTaken(refusal(409, "Closed", "urn:x:poll-not-open"), 3)
  assert.strictEqual(closed, "This poll is not open for votes. 3 votes were not taken.")
})
