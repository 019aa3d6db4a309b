import type { PollView } from "../domain/PollView.ts"
import type { Results } from "../domain/Tally.ts"
import { count, votes } from "./words/formats.ts"

/*
 * All words that the pages show, in the server and in the browser. To speak another language, change this file and those
 * in words/.
 */

export const page = {
  name: "tallykeep",
  share: (label: string) => `${label}: share of the votes`,
  noCount: "–",
  promise: "Every accepted vote counts exactly once.",
  /** What a link to the page says of it where the organiser has not described it. */
  choose: (options: ReadonlyArray<string>) => `Cast your vote: ${options.join(", ")}.`,
  pictured: "A tick in a box, and the words: cast your vote",
  docs: "API documentation",
  needsScript: "This page needs JavaScript.",
  notFound: "There is no such poll",
  notFoundHint:
    "Check the link that you were given. Where the poll is not published yet, this page shows it once it is.",
  reload: "Reload for newer results"
}

/** Says what some of all votes are, or the only one is. */
const someOf = (total: number, some: string, what: string): string => (total === 1 ? what : `${some} of them ${what}`)

/** Says how many votes the results are of, how many of these say nothing, and whether a final result has changed. */
export const totalOf = ({
  abstained = 0,
  changed_after_final: changed,
  total_votes: total
}: Pick<Results, "total_votes" | "changed_after_final"> & { readonly abstained?: number }): string =>
  [
    `${votes(total)} counted`,
    ...(abstained > 0
      ? [
          someOf(
            total,
            abstained === total ? "all" : count(abstained),
            abstained === 1 ? "an abstention" : "abstentions"
          )
        ]
      : []),
    ...(changed === undefined ? [] : [someOf(total, "some", "after the result was final")])
  ].join(", ")

const rules = {
  open: "Vote as often as you like: each vote counts.",
  once: "One vote each, and it is final.",
  changeable: "You can change your vote for as long as the poll is open."
}

/** The same of a poll that has closed. */
const formerRules = {
  open: "Everyone could vote as often as they liked: each vote counts.",
  once: "Each voter had one vote.",
  changeable: "Votes could be changed for as long as the poll was open."
}

/** Says which votes count, in a poll of that status. */
export const tellRule = (ballot: PollView["ballot"], status: PollView["status"]): string =>
  (status === "counting" || status === "final" ? formerRules : rules)[ballot]

export const times = {
  opens: (left: string, at: string) => `Opens ${left}, on ${at}`,
  closes: (left: string, at: string) => `Closes ${left}, on ${at}`,
  closed: (at: string) => `Closed since ${at}`,
  opensAt: (at: string) => `Opens on ${at}`,
  closesAt: (at: string) => `Closes on ${at}`,
  passed: (at: string) => `Its closing time has passed: ${at}`,
  changing: (left: string) => `The poll is being changed. It goes on ${left}.`,
  counting: "The last votes are being counted.",
  final: "The result is final."
}

export const status = {
  draft: "Draft",
  upcoming: "Not open yet",
  open: "Open",
  counting: "Counting",
  final: "Final",
  changing: "Being changed",
  gone: "Deleted"
}

/** Names a poll's status; `changing` says whether it is closed for a moment only. */
export const nameStatus = (now: keyof typeof status, changing: boolean): string =>
  changing ? status.changing : status[now]

/** What became of the reader's vote, which is named as in "vote for Cats". */
export const vote = {
  sending: (vote: string) => `Sending your ${vote} …`,
  waiting: (vote: string) => `Your ${vote} is not sent yet.`,
  queued: (vote: string) => `Your ${vote} is in, and is about to be counted.`,
  counted: (vote: string) => `Your ${vote} is counted.`,
  superseded: (vote: string) => `Your ${vote} was replaced by a later one of yours.`,
  rejected: (vote: string) => `Your ${vote} does not count: it came too late, or was not your first.`,
  dead: (vote: string) => `Your ${vote} could not be counted. Please tell whoever runs this poll.`,
  lost: "This vote can't be found. Please tell whoever runs this poll.",
  already: (vote: string) => `Your ${vote} is in already.`,
  more: (waiting: number) => `${count(waiting)} more ${waiting === 1 ? "waits" : "wait"} to be sent.`,
  sent: (count: number) => `${votes(count)} sent from this browser.`,
  /** Says why votes were refused, in a sentence of ours or the service's, which ends without a full stop. */
  notTaken: (why: string, count = 1) =>
    `${why}${why.endsWith(".") ? "" : "."} ${count === 1 ? "Your vote was not taken." : `${votes(count)} were not taken.`}`,
  full: (count: number) =>
    `This vote was not taken: ${votes(count)} wait to be sent already. Please try again once they are sent.`,
  receipt: "Receipt"
}

/** The same in a word or two, beside the chosen option. */
export const mark = {
  sending: "Sending …",
  waiting: "Not sent yet",
  queued: "Received",
  counted: "Counted",
  superseded: "Replaced",
  rejected: "Not counted",
  dead: "Not counted",
  lost: "Not found"
}

/** The same where the page knows only the vote's receipt. */
export const receipt = {
  queued: "Your vote is in, and is about to be counted. Reload to see that it is.",
  counted: "Your vote is counted.",
  superseded: "Your vote was replaced by a later one of yours.",
  rejected: "Your vote does not count: it came too late, or was not your first.",
  dead: "Your vote could not be counted. Please tell whoever runs this poll."
}

/** Says that votes are not lost, and when they are sent. */
const kept = (count: number, when: string): string =>
  count === 1
    ? `Your vote is kept here, and is sent ${when}.`
    : `Your ${votes(count)} are kept here, and are sent ${when}.`

export const trouble = {
  offline: (count: number) => `You are offline. ${kept(count, "as soon as you are back")}`,
  offlineIdle: "You are offline. The results are the last that were seen.",
  unreachable: (count: number) => `The service can't be reached. ${kept(count, "as soon as it can be")}`,
  busy: (count: number) => `The service is busy. ${kept(count, "again in a moment")}`,
  changing: (count: number) => `The poll is being changed. ${kept(count, "as soon as it goes on")}`,
  stale: "The results can't be reached for now. Trying again …",
  voted: "You have voted in this poll, and that vote is final.",
  closed: "This poll is not open for votes.",
  unsent: "The poll has closed: what you have chosen was not sent.",
  changingNow: "This poll is being changed, and your vote was not taken. Please send it again in a few seconds.",
  again: "Another vote was sent from this page before, and this one was not taken. Please send it once more.",
  ballot: "This ballot can't be taken as it is: please see what it says beside it.",
  foreign: "This vote was sent from another site, and was not taken.",
  away: "This poll can't be shown for now. Please try again in a moment.",
  gone: "This poll is not there any more: whoever made it has deleted it.",
  unavailable: "The vote was not taken: the service is busy. Please try again.",
  unknown: "Something is wrong here. Please try again."
}

/** The same about the token that the voters of some polls have, by who gave it to them. */
export const tokenTrouble = {
  token: {
    missing: "Voting in this poll needs the personal link that you were given.",
    bad: "Your personal link is not valid for this poll. It may have run out."
  },
  provider: {
    missing: "Voting in this poll needs a sign-in. Open the poll from the site where you are signed in.",
    bad: "Your sign-in is not valid for this poll, or has run out. Open the poll again from the site where you are signed in."
  }
}

/** About the task that a browser solves for each vote, in polls that ask for it. */
export const challenge = {
  needsScript:
    "Voting in this poll needs JavaScript: for each vote your browser solves a small task, which slows down machines that vote.",
  needsHttps: "Voting in this poll needs a secure connection. Open it at an address that begins with https://.",
  solving: (vote: string) => `Your browser is solving a small task. Then your ${vote} is sent …`,
  refused: "Your browser did not solve the task of this poll. Please try again."
}

export const hidden = {
  after_vote: "You see the results once you have voted.",
  after_close: "The results are shown once the poll has closed and all votes are counted."
}

export const tokenField = "Your voting token: what follows #token= in your link"
