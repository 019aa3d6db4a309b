import { createHash } from "node:crypto"

/** One of the polls that votes are counted in: its kind and ballot rule, and what the votes say in it. */
export interface Variant {
  readonly name: string
  readonly slug: string
  readonly ballot: "open" | "once" | "changeable"
  readonly kind: "single" | "multiple" | "ranked"
  readonly options: ReadonlyArray<string>
  /** What each column of its row in `poll` holds besides, in SQL. */
  readonly rules: Readonly<Record<string, string>>
  /** The choice of vote `n`, from 0; and the same in SQL, of a column `n`. */
  readonly choice: readonly [of: (n: number) => string, sql: string]
  /** So many voters vote in turn, as if by chance; as many as there are votes where they vote once; 0 for nobody. */
  readonly voters: number
  /** Whether each voter's vote is in the ledger before the one that waits. */
  readonly voted: boolean
  /** Whether the poll has a public log. */
  readonly logged: boolean
  /** What is to be reached, of the rate of `open`. */
  readonly target: number
}

const letters = (count: number): ReadonlyArray<string> => [..."abcdefghijklmnop"].slice(0, count)

/** SQL's list of texts. */
const array = (texts: ReadonlyArray<string>): string => `'{${texts.join(",")}}'::text[]`

/** Takes the options in turn. */
const inTurn = (options: ReadonlyArray<string>): Variant["choice"] => [
  (n) => options[n % options.length] ?? "",
  `(${array(options)})[n % ${options.length} + 1]`
]

/** Each set of the options that is not empty, as a choice. */
const sets = (options: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from({ length: 2 ** options.length - 1 }, (_, set) =>
    options.filter((_, option) => ((set + 1) >> option) % 2 === 1).join("+")
  )

/** Each ranking of so many of the options. */
const rankings = (options: ReadonlyArray<string>, ranks: number): ReadonlyArray<ReadonlyArray<string>> =>
  ranks === 0
    ? [[]]
    : options.flatMap((first) => {
        const others = options.filter((id) => id !== first)
        return rankings(others, ranks - 1).map((rest) => [first, ...rest])
      })

const candidates = letters(14)
const fours = (options: ReadonlyArray<string>) => rankings(options, 4).map((ranking) => ranking.join(">"))
/** A ranking is one of each list, of which either comes first. */
const [some, others] = [fours(candidates.slice(0, 7)), fours(candidates.slice(7))] as const
const half = some.length * others.length
/** Has no divisor in common with how many rankings there are: each comes once, and in no order. */
const stride = 611_953

/** Eight of fourteen options, since of eight there are but 40,320 rankings. No two of 1,411,200 are the same. */
const distinct: Variant["choice"] = [
  (n) => {
    const place = (n * stride) % (2 * half)
    const [one, other] = [some[Math.floor(place / others.length) % some.length], others[place % others.length]]
    return place < half ? `${one}>${other}` : `${other}>${one}`
  },
  `(select case when place < ${half} then one || '>' || other else other || '>' || one end
    from (values (n::bigint * ${stride} % ${2 * half})) as p (place),
      lateral (select (${array(some)})[place / ${others.length} % ${some.length} + 1],
        (${array(others)})[place % ${others.length} + 1]) as f (one, other))`
]

const single = {
  kind: "single",
  options: ["cats", "dogs"],
  rules: {},
  choice: inTurn(["cats", "dogs"]),
  voters: 0,
  voted: false,
  logged: false
} as const

const perVoter = { ...single, rules: { identity: "'browser'" } }

const multiple = letters(5)

const everyone = Number.POSITIVE_INFINITY

/** The first one is what the others are compared with. */
export const variants: readonly [Variant, ...ReadonlyArray<Variant>] = [
  { ...single, name: "open", slug: "cats-or-dogs", ballot: "open", target: 1 },
  { ...perVoter, name: "once", slug: "once", ballot: "once", voters: everyone, target: 0.6 },
  { ...perVoter, name: "once-voted", slug: "once-voted", ballot: "once", voters: everyone, voted: true, target: 0.6 },
  { ...perVoter, name: "changeable", slug: "changeable", ballot: "changeable", voters: 100_000, target: 0.5 },
  { ...perVoter, name: "changeable-1000", slug: "changeable-1000", ballot: "changeable", voters: 1_000, target: 0.5 },
  {
    ...single,
    name: "multiple",
    slug: "multiple",
    ballot: "open",
    kind: "multiple",
    options: multiple,
    rules: { min: "1", max: "5" },
    choice: inTurn(sets(multiple)),
    target: 0.7
  },
  {
    ...single,
    name: "ranked",
    slug: "ranked",
    ballot: "open",
    kind: "ranked",
    options: candidates,
    rules: { max: "8", method: "'irv'", seats: "1", tie_break: "'draw'", tie_seed: "sha256('bench')" },
    choice: distinct,
    target: 0.5
  },
  { ...single, name: "log", slug: "log", ballot: "open", logged: true, target: 0.75 }
]

/** Scatters numbers, so that a voter votes now in the same batch, now in another, and not always for the same option. */
const scatter = 2_654_435_761
const space = 2 ** 32

/** The voter of vote `n`, as the stream has it: as long as an API's hash; undefined in a poll without voters. */
export const voterOf = ({ voters }: Variant, n: number): string | undefined => {
  if (voters === 0) return undefined
  const voter = voters === everyone ? n : Math.floor((((n * scatter) % space) * voters) / space)
  return createHash("sha256").update(String(voter)).digest("base64url").slice(0, 22)
}

/** The same in SQL, as the ledger has it. */
export const voterSql = ({ voters }: Variant): string => {
  if (voters === 0) return "null::bytea"
  const voter = voters === everyone ? "n" : `(n::bigint * ${scatter} % ${space} * ${voters} / ${space})`
  return `substr(sha256(${voter}::text::bytea), 1, 16)`
}
