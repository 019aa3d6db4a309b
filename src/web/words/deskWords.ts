import type { PollView } from "../../domain/PollView.ts"
import { times } from "../words.ts"
import { moment, named } from "./formats.ts"

/* The words of the organiser's desk. */

export const admin = {
  title: "Polls",
  token: "Admin token",
  tokenHint: "It is kept for as long as a tab of this desk is open, and in no other place.",
  signOut: "Sign out",
  signedOut: "You are signed out: the token is not accepted any more.",
  signIn: "Sign in",
  badToken: "This is not the admin token.",
  off: "The admin's endpoints are off: start the service with ADMIN_TOKEN.",
  away: "The service can't be reached. Trying again …",
  /** About something that the organiser did: it stays until the next act, when the service may be back. */
  missed: "The service could not be reached. Please try again.",
  polls: "All polls",
  search: "Search polls",
  older: "Older",
  newer: "Newer",
  pageNumber: (number: number) => `Page ${number}`,
  none: "There is no such poll.",
  create: "New poll",
  voteHere: "Open the voting page",
  csv: "Download CSV",
  close: "Close the poll",
  closeSure: (title: string) => `Close “${named(title)}”? Votes accepted before still count. You can open it again.`,
  perSecond: "Votes per second",
  backlog: "Backlog",
  backlogHint: "accepted, not yet counted, all polls",
  counted: "Counted",
  chart: "Votes per second and backlog over the last minutes",
  tokens: "Voter links",
  tokenCount: "How many",
  makeTokens: "Make voter links",
  tokenLinks: "One link for each voter; they are not shown again",
  copy: "Copy all",
  copied: "Copied.",
  choose: "Choose a poll to see its tally live."
}

/** Says when a poll opens, closes or has closed, at a time in ms; empty where it has no such time. */
export const deskTimes = ({ closes_at, opens_at, status }: PollView, now: number): string => {
  const opens = opens_at === undefined ? "" : times.opensAt(moment(Date.parse(opens_at)))
  if (status === "upcoming" && opens !== "") return opens
  if (closes_at === undefined) return status === "draft" ? opens : ""
  const closes = Date.parse(closes_at)
  const at = moment(closes)
  if (status !== "draft") return status === "counting" || status === "final" ? times.closed(at) : times.closesAt(at)
  // Nobody can vote in a draft, which does not close.
  return [opens, closes <= now ? times.passed(at) : times.closesAt(at)].filter((text) => text !== "").join(" · ")
}
