import { assert, describe, it } from "@effect/vitest"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { rulesOf } from "../../../src/domain/Rules.ts"
import { toResults } from "../../../src/domain/Tally.ts"
import { makeVotingPages } from "../../../src/http/pages/PageFrames.ts"
import { votingPage } from "../../../src/http/pages/VotingPage.ts"
import { tallied } from "../../support/tallied.ts"

const assets = { url: (name: string) => `/assets/${name}`, files: new Set<string>() }

/** What would be taken for a reader's own, were it not for its quotes. */
const tricky = `data-now="1" data-voter='2' name="key" value="3" $& $1 <b>`

const polls: ReadonlyArray<Poll> = [
  defaultPoll,
  { ...defaultPoll, title: tricky, description: tricky, options: [{ id: "a", label: tricky }], closesMs: 2_000 },
  { ...defaultPoll, identity: "browser", challenge: "pow", opensMs: 1_000 },
  { ...defaultPoll, rules: rulesOf({ kind: "multiple", options: defaultPoll.options }), results: "after_vote" }
]

const resultsOf = ({ options, slug }: Poll, count: number) =>
  toResults(
    {
      poll: slug,
      revision: count,
      epoch: "e",
      lastUpdated: new Date(0),
      ...tallied(options.map(({ id, label }) => ({ option: id, label, count })))
    },
    0,
    0
  )

describe("the page of a poll, of which most is kept", () => {
  it.each(polls)("is what it is without: $title $identity $rules.kind", (poll) => {
    const pages = makeVotingPages(assets)
    const plain = (page: Parameters<typeof pages>[0]) => votingPage(assets, page)
    const [none, some, more] = [undefined, resultsOf(poll, 1), resultsOf(poll, 20)]
    let key = 0
    for (const results of [some, some, some, more, more, none, none, some, none]) {
      for (const now of [500, 500, 1_500, 1_501, 2_500, 2_501]) {
        for (const name of [undefined, "ann", "bob", "$1$&"]) {
          for (const origin of [undefined, "https://vote.example", "https://vote.example"]) {
            for (let again = 0; again < 2; again++) {
              const page = {
                poll,
                now,
                origin,
                results,
                reader: name === undefined ? undefined : { name },
                key: `k${key++}`
              }
              assert.strictEqual(pages(page), plain(page))
            }
            const noticed = { poll, now, origin, results, reader: undefined, key: "k" }
            const notice = { text: "It is counted", tone: "good" } as const
            assert.strictEqual(pages({ ...noticed, notice }), plain({ ...noticed, notice }))
          }
        }
      }
    }
  })
})
