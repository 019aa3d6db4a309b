import type { Kind } from "../../domain/Rules.ts"
import { count, named, votes } from "./formats.ts"
import { mean, results } from "./resultWords.ts"

/*
 * The words about public logs.
 */

/** What a voter is told of the own vote in the poll's log. */
export const logged = {
  holds: "It is in the public log, as you cast it: your browser has checked that.",
  unchecked: "Your browser can't check the public log here. The proof can be checked elsewhere.",
  broken:
    "The public log does not have this vote as you cast it. What it says is kept in this browser: download it, and show it to someone you trust.",
  proof: "Proof",
  recount: "Count all votes again"
}

/** Says what an option has by the log, where so many ballots say something. */
export const countedFor = (
  kind: Kind,
  { count: from, sum }: { readonly count: number; readonly sum: number },
  said: number
) => {
  switch (kind) {
    case "single":
      return count(from)
    case "multiple":
      return results.multiple(from, said)
    case "score":
      return from === 0 ? results.score(from) : `${mean(sum / from)}, ${results.score(from)}`
    case "points":
      return results.points(sum, from)
    case "ranked":
      return results.ranked(from)
  }
}

/** The page that counts a whole log again. */
export const verify = {
  title: (poll: string) => `Counting again: ${poll}`,
  heading: "Counting again",
  reading: (leaves: number, of: number) => `The log is read and checked: ${count(leaves)} of ${count(of)} lines …`,
  begins: "Reading the log …",
  none: "This poll has no public log.",
  away: "The log can't be read for now. Please try again.",
  holds: "All of it holds.",
  early:
    "The log holds. Compare it with the results once the poll is final: until then, what votes say is hidden, and the latest may not be in it.",
  moving: "The log holds. Votes come in too fast to compare it with the results: do so once the poll is final.",
  wrong: "Something does not hold. Keep the checkpoint, and show this to someone you trust.",
  uncheckable:
    "This browser can't check signatures here: that needs HTTPS, and Safari 17, Firefox 129, Chrome 137 or later.",
  counted: (ballots: number) => `${votes(ballots)} counted from the log`,
  hidden: (ballots: number) =>
    `What ${votes(ballots)} ${ballots === 1 ? "says" : "say"} is hidden until the poll is final.`,
  option: (label: string, has: string) => `${named(label)}: ${has}`,
  abstained: (votes: number) => `Abstentions: ${count(votes)}`,
  made: (links: number) => (links === 1 ? "1 voter's link was made." : `${count(links)} voters' links were made.`),
  keep: "Keep the checkpoint",
  proves: "What this proves",
  provesThat: [
    "The result is what the votes in the log add up to. Once a ranked poll is final, its winners are those of the rankings and the draw in the log.",
    "No vote in it was changed or taken out since the checkpoint that this browser has kept from an earlier visit, if it has one.",
    "The poll's question and options are those that the log began with, or were edited where the log says so."
  ],
  provesNot: "What it does not prove",
  provesNotThat: [
    "That nobody has added votes, in polls for anyone or for browsers.",
    "That each voter has voted once.",
    "That others are shown the same log: for that, compare checkpoints with them.",
    "That this page is honest: it comes from the service that it checks."
  ],
  otherWays: "Other ways to check are described in docs/verify.md, with tools that others have written."
}
