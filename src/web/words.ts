/*
 * All words that the pages show, for the server and the browser alike: to speak another language, change this file.
 */

const number = new Intl.NumberFormat("en")
const share = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const minute = new Intl.RelativeTimeFormat("en", { numeric: "always" })

export const count = (votes: number): string => number.format(votes)
export const votes = (count: number): string => `${number.format(count)} ${count === 1 ? "vote" : "votes"}`
export const percent = (percentage: number): string => `${share.format(percentage)}%`

/** Such as "24 Nov 2026, 18:00"; in UTC where the reader's zone is not known. */
export const moment = (ms: number, zone?: string): string => {
  const format = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
    ...(zone === undefined ? {} : { timeZone: zone })
  })
  return zone === undefined ? format.format(ms) : `${format.format(ms)} ${zone}`
}

/** Such as "in 5 minutes". */
export const until = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 90) return minute.format(seconds, "second")
  if (seconds < 90 * 60) return minute.format(Math.round(seconds / 60), "minute")
  if (seconds < 36 * 3600) return minute.format(Math.round(seconds / 3600), "hour")
  return minute.format(Math.round(seconds / 86_400), "day")
}

export const page = {
  name: "tallykeep",
  choose: "Your vote",
  results: "Results",
  yours: "Your choice",
  leads: "In the lead",
  share: (label: string) => `${label}: share of the votes`,
  noCount: "–",
  total: (count: number) => `${votes(count)} counted`,
  promise: "Every accepted vote counts exactly once.",
  docs: "API documentation",
  skip: "Skip to the options",
  needsScript: "This page needs JavaScript.",
  notFound: "There is no such poll",
  notFoundHint: "Check the link that you were given.",
  reload: "Reload for newer results"
}

export const rules = {
  open: "Vote as often as you like: each vote counts.",
  once: "One vote each, and it is final.",
  changeable: "You can change your vote for as long as the poll is open."
}

export const times = {
  opens: (left: string, at: string) => `Opens ${left}, on ${at}`,
  closes: (left: string, at: string) => `Closes ${left}, on ${at}`,
  closed: (at: string) => `Closed since ${at}`,
  opensAt: (at: string) => `Opens on ${at}`,
  closesAt: (at: string) => `Closes on ${at}`
}

export const status = { upcoming: "Not open yet", open: "Open", closed: "Closed" }

/** What has become of one's vote. */
export const vote = {
  sending: (label: string) => `Sending your vote for ${label} …`,
  queued: (label: string) => `Your vote for ${label} is in, and is about to be counted.`,
  counted: (label: string) => `Your vote for ${label} is counted.`,
  superseded: (label: string) => `Your vote for ${label} was replaced by a later one of yours.`,
  rejected: (label: string) => `Your vote for ${label} does not count: it came too late, or was not your first.`,
  dead: (label: string) => `Your vote for ${label} could not be counted. Please tell whoever runs this poll.`,
  lost: "This vote can't be found. Please tell whoever runs this poll.",
  already: (label: string) => `Your vote is for ${label} already.`,
  receipt: "Receipt",
  formNotice: "Your vote is in, and is about to be counted. Reload to see that it is."
}

export const trouble = {
  offline: "You are offline. Your vote is kept here, and is sent as soon as you are back.",
  offlineIdle: "You are offline. The results are the last that were seen.",
  busy: "The service is busy. Your vote is kept here, and is sent again in a moment.",
  stale: "The results can't be reached for now. Trying again …",
  voted: "You have voted in this poll, and that vote is final.",
  closed: "This poll is not open for votes.",
  token: "Voting in this poll needs the personal link that you were given.",
  badToken: "Your personal link is not valid for this poll. It may have run out.",
  option: "This is not an option of this poll.",
  foreign: "This vote was sent from another site, and was not taken.",
  unavailable: "The vote was not taken: the service is busy. Please try again.",
  unknown: "The vote was not taken. Please try again."
}

export const hidden = {
  after_vote: "You see the results once you have voted.",
  after_close: "The results are shown once the poll is closed."
}

export const tokenField = "Your voting token"
