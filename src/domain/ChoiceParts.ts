import { abstention, type Choosing, choiceField, decodeChoice } from "./Choice.ts"
import type { Rules } from "./Rules.ts"

/** What a choice says of one option: 1 where it is chosen, its score, its points, or its rank from 1. */
export interface Part {
  readonly option: string
  readonly value: number
}

/** Takes a text apart as if it were a choice; whether it is one has to be seen. */
const takeApart = ({ kind }: Rules, choice: string): ReadonlyArray<Part> => {
  switch (kind) {
    case "single":
      return [{ option: choice, value: 1 }]
    case "multiple":
      return choice.split("+").map((option) => ({ option, value: 1 }))
    case "ranked":
      return choice.split(">").map((option, index) => ({ option, value: index + 1 }))
    default:
      return choice.split(",").map((part) => {
        const [option = "", number] = part.split(":")
        return { option, value: Number(number) }
      })
  }
}

/** Returns the value of a body's field that says these parts. */
const putTogether = ({ kind }: Rules, parts: ReadonlyArray<Part>): unknown => {
  if (kind === "single") return parts[0]?.option
  if (kind === "multiple" || kind === "ranked") return parts.map(({ option }) => option)
  return Object.fromEntries(parts.map(({ option, value }) => [option, value]))
}

/**
 * Returns what a choice says of the options that it names, in its order, and nothing for an abstention; undefined where the
 * text is no choice in the poll, or not as we write it.
 */
export const partsOf = (poll: Choosing, choice: string): ReadonlyArray<Part> | undefined => {
  if (choice === abstention) return poll.abstain ? [] : undefined
  const parts = takeApart(poll.rules, choice)
  const body = { [choiceField[poll.rules.kind]]: putTogether(poll.rules, parts) }
  return decodeChoice(poll, body) === choice ? parts : undefined
}

/** Returns the body of a vote that says these parts of a choice. */
export const bodyOf = (
  { rules }: Pick<Choosing, "rules">,
  parts: ReadonlyArray<Part>
): Readonly<Record<string, unknown>> => ({
  [choiceField[rules.kind]]: putTogether(rules, parts)
})
