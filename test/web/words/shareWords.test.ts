import { assert, it } from "@effect/vitest"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { type PollView, toView } from "../../../src/domain/PollView.ts"
import { share } from "../../../src/web/words/shareWords.ts"

it("a mail says how one votes, which not everyone does at the poll's address, or that there is a result", () => {
  const linesOf = (more: Partial<PollView>) =>
    share.mailBody({ ...toView(defaultPoll, 0), status: "open", ...more }, "https://a.example/polls/b").split("\n\n")
  assert.include(linesOf({ identity: "browser" }), "Vote here: https://a.example/polls/b")
  assert.include(
    linesOf({ identity: "token" }),
    "Vote with your personal link. The poll is here: https://a.example/polls/b"
  )
  assert.include(
    linesOf({ identity: "provider", status: "upcoming" }),
    "Vote from the site where you are signed in. The poll is here: https://a.example/polls/b"
  )
  for (const identity of ["anyone", "token"] as const)
    assert.include(linesOf({ identity, status: "final" }), "See the result: https://a.example/polls/b")
})
