import { setTimeout as sleep } from "node:timers/promises"
import { Array } from "effect"
import { kinds } from "../support/kinds.ts"
import { eventually } from "./eventually.ts"
import type { Random } from "./random.ts"
import { send } from "./send.ts"
import { adminToken, type Site } from "./site.ts"

/** The ballot rules of the polls that voters vote in. */
const rules = ["once", "changeable"] as const
type Rule = (typeof rules)[number]

/** A poll for each rule and kind. */
interface Poll {
  readonly slug: string
  readonly rule: Rule
  readonly rules: object
  readonly says: ReadonlyArray<object>
}

const polls: ReadonlyArray<Poll> = rules.flatMap((rule) =>
  kinds.map((kind) => ({ ...kind, rule, slug: `${rule}-${kind.rules.kind}` }))
)

/** A vote that got its 201, with its voter. */
interface Ballot {
  readonly rule: Rule
  readonly poll: string
  readonly voter: number
  readonly voteId: string
  readonly streamId: string
}

/** A vote that was refused because its voter had voted. */
interface Refused {
  /** The poll and the voter. */
  readonly of: string
  /** When the try was sent that got this answer, in ms since 1970. */
  readonly sentAt: number
  /** How the tries before it went, each with its time. */
  readonly before: ReadonlyArray<string>
}

/** What the voters have sent and got so far. */
export interface Voters {
  readonly accepted: ReadonlyArray<Ballot>
  readonly refused: ReadonlyArray<Refused>
  readonly wrong: ReadonlyArray<string>
  readonly open: () => number
  stop(): void
  close(): void
}

/** How many voters each poll has. */
const voterCount = 40
/** How many votes a second each rule gets. */
const rate = 25
/** In ms. */
const openTimeout = 20_000

/** Creates the polls, before anything goes wrong; returns each voter's token, by poll. */
const openPolls = async (api: string): Promise<ReadonlyMap<string, ReadonlyArray<string>>> => {
  const tokens = new Map<string, ReadonlyArray<string>>()
  for (const { rule, rules, slug } of polls) {
    const options = [
      { id: "tea", label: "Tea" },
      { id: "coffee", label: "Coffee" }
    ]
    const definition = { slug, title: slug, options, ...rules, ballot: rule, identity: "token", results: "live" }
    await eventually(
      async () => (await send(api, adminToken, { path: "/api/polls", body: definition })).status !== 503,
      openTimeout
    )
    const { text } = await send(api, adminToken, { path: `/api/polls/${slug}/tokens`, body: { count: voterCount } })
    tokens.set(slug, JSON.parse(text).tokens)
  }
  return tokens
}

/** Starts voters who vote again and again, at whatever API, in polls where only one vote of each may count. */
export const startVoters = async (apis: ReadonlyArray<() => string>, random: Random): Promise<Voters> => {
  const tokens = await openPolls(apis[0]?.() ?? "")
  const accepted: Array<Ballot> = []
  const refused: Array<Refused> = []
  const wrong: Array<string> = []
  let [cast, done, closed] = [0, 0, false]

  /** Sends a vote until it is accepted, or refused because its voter has voted. */
  const persist = async ({ rule, slug }: Poll, voter: number, said: unknown, key: string): Promise<void> => {
    const before: Array<string> = []
    for (let tries = 0; !closed; tries++) {
      const sentAt = Date.now()
      const api = apis[(cast + tries) % apis.length]?.() ?? ""
      const vote = { path: `/api/polls/${slug}/votes`, body: said, key }
      const answer = await send(api, tokens.get(slug)?.[voter] ?? "", vote).catch(() => undefined)
      if (answer?.status === 201) {
        const { stream_id: streamId, vote_id: voteId } = JSON.parse(answer.text)
        accepted.push({ rule, poll: slug, voter, voteId, streamId })
        return
      }
      if (answer?.status === 409 && rule === "once") {
        refused.push({ of: `${slug} ${voter}`, sentAt, before })
        return
      }
      before.push(`${answer?.status ?? "no answer"} from ${timeOf(sentAt)} to ${timeOf(Date.now())}`)
      if (answer !== undefined && answer.status < 500) wrong.push(`${answer.status} for ${key}: ${answer.text}`)
      await sleep(Math.min(50 * 2 ** tries, 400) * (0.5 + Math.random()))
    }
  }

  const timer = setInterval(() => {
    for (const rule of rules) {
      const poll = polls[Math.floor(random() * kinds.length) + rules.indexOf(rule) * kinds.length]
      const [voter, said] = [Math.floor(random() * voterCount), poll?.says[random() < 0.5 ? 0 : 1]]
      if (poll !== undefined) void persist(poll, voter, said, `${rule}-${cast++}`).then(() => done++)
    }
  }, 1_000 / rate)
  return {
    accepted,
    refused,
    wrong,
    open: () => cast - done,
    stop: () => clearInterval(timer),
    close: () => {
      clearInterval(timer)
      closed = true
    }
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString().slice(11, 23)

/** Converts an entry's id to a number that is greater the later the entry was accepted. */
const orderOf = ({ streamId }: Ballot): bigint => {
  const [ms = "0", seq = "0"] = streamId.split("-")
  return (BigInt(ms) << 64n) + BigInt(seq)
}

/** A vote as the ledger has it. */
interface Row {
  readonly vote_id: string
  readonly status: string
  readonly seat: string
  readonly accepted_ms: string
}

/** Checks that of each voter exactly the vote counts that the poll's rule says; returns a line for each that does not. */
export const judgeVoters = async (site: Site, { accepted, refused, wrong }: Voters): Promise<ReadonlyArray<string>> => {
  const rows = await site.query<Row>(
    `select vote_id::text, status, poll || ' ' || encode(voter, 'hex') as seat, accepted_ms::text
    from vote where poll ~ '^(once|changeable)-'`
  )
  const [tally] = await site.query<{ count: string }>(
    "select sum(count)::text as count from choice_tally where poll ~ '^(once|changeable)-'"
  )
  const left = new Map(rows.map((row) => [row.vote_id, row]))
  const ofVoter = new Map(Object.entries(Array.groupBy(accepted, ({ poll, voter }) => `${poll} ${voter}`)))
  const problems = [...wrong]
  /** The poll and the voter, by what the ledger has for them. */
  const voterAt = new Map<string, string>()
  for (const [voter, ballots] of ofVoter) {
    const [first, ...rest] = ballots.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    const winner = first?.rule === "once" ? first : (rest.at(-1) ?? first)
    for (const ballot of ballots) {
      const other = ballot.rule === "once" ? "rejected" : "superseded"
      const wanted = ballot.voteId === winner?.voteId ? "counted" : other
      const row = left.get(ballot.voteId)
      if (row?.status !== wanted)
        problems.push(`${ballot.voteId} of voter ${voter} is ${row?.status}, and should be ${wanted}`)
      if (row !== undefined) voterAt.set(row.seat, voter)
      left.delete(ballot.voteId)
    }
  }
  for (const row of left.values()) {
    const tries = refused.filter(({ before, of }) => of === voterAt.get(row.seat) && before.length > 0)
    // A try that got no answer may still be under way while the next one is refused.
    if (row.status === "rejected" && tries.some(({ sentAt }) => sentAt <= Number(row.accepted_ms))) continue
    const story = tries.map(({ before, sentAt }) => `${before.join(", ")}, refused from ${timeOf(sentAt)}`)
    const accepted = timeOf(Number(row.accepted_ms))
    problems.push(
      [`${row.vote_id}, ${row.status}, accepted ${accepted}: nobody was answered with it`, ...story].join("; ")
    )
  }
  for (const { of } of refused) if (!ofVoter.has(of)) problems.push(`voter ${of} was refused and has no vote`)
  if (Number(tally?.count) !== ofVoter.size) problems.push(`${ofVoter.size} voters, and ${tally?.count} in the tallies`)
  return problems
}
