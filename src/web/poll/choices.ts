import { abstention } from "../../domain/Choice.ts"
import { bodyOf, partsOf } from "../../domain/ChoiceParts.ts"
import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { nameVote } from "../words/ballotWords.ts"

/** What a poll's choices mean. */
export interface Choices {
  /** Names a vote, such as "vote for Cats". */
  nameOf(choice: string): string
  /** Returns the body of the request that makes a choice; the service says what is wrong with one that it does not know. */
  bodyOf(choice: string): unknown
}

export const makeChoices = (poll: PollView, labelOf: (option: string) => string): Choices => {
  const choosing = { options: poll.options, rules: rulesOf(poll), abstain: poll.abstain ?? false }
  return {
    nameOf: (choice) => nameVote(choosing.rules, partsOf(choosing, choice) ?? [], labelOf),
    bodyOf: (choice) => (choice === abstention ? { abstain: true } : bodyOf(choosing, partsOf(choosing, choice) ?? []))
  }
}
