import { named } from "./formats.ts"

/* The words of what an organiser does with a poll that is there. */

export const life = {
  publish: "Publish",
  edit: "Edit",
  editing: (title: string) => `Edit “${named(title)}”`,
  save: "Save",
  fixed:
    "There are votes: what decides over them stays as it is, which is said below. Labels can be mended; options can't be added, removed or moved. More may see the results, but not fewer.",
  stale: "This poll was changed elsewhere meanwhile. Nothing of yours was saved, and nothing was overwritten.",
  asItIs: "Start again from the poll as it is now",
  duplicate: "Duplicate",
  archive: "Archive",
  restore: "Take out of the archive",
  extend: "Set the closing time",
  reopen: "Open it again",
  delete: "Delete for good",
  deleteHeading: "Delete this poll",
  deleteSure: (slug: string) => `To delete it, write ${slug}`,
  deleteHint: "Its votes and voters go with it, and can't be had back.",
  deleteWrong: (slug: string) => `write ${slug} here, if this poll is to go`,
  archived: "In the archive",
  edited: (at: string) => `Edited on ${at}`,
  final: (at: string) => `Final since ${at}`,
  closedBetween: (from: string, to: string) => `It was closed from ${from} to ${to}: votes of that time don't count`,
  history: "History",
  older: "Show older entries",
  event: (at: string, act: string, who: string) => `${at} · ${act} (${who})`,
  acts: {
    create: "Created",
    edit: "Edited",
    close: "Closed",
    reopen: "Opened again",
    duplicate: "Made as a duplicate",
    archive: "Archived",
    delete: "Deleted",
    tokens: "Voter links made"
  } as Readonly<Record<string, string>>,
  /** The names of a poll's fields, in an edit. */
  fields: {
    title: "question",
    description: "description",
    options: "options",
    kind: "what a vote says",
    min: "the least",
    max: "the most",
    every: "whether every option needs a score",
    budget: "points to give out",
    spend_all: "whether all points have to be given out",
    method: "how the winner is found",
    seats: "seats",
    tie_break: "how ties are broken",
    abstain: "abstentions",
    ballot: "which votes count",
    identity: "who may vote",
    results: "who sees the results",
    challenge: "what each vote takes",
    opens_at: "opening time",
    closes_at: "closing time",
    listed: "listed",
    draft: "published",
    archived: "archive"
  } as Readonly<Record<string, string>>,
  statuses: "Status",
  filters: {
    "": "All but the archive",
    draft: "Drafts",
    upcoming: "Not open yet",
    open: "Open",
    counting: "Counting",
    final: "Final",
    archived: "Archive"
  } as Readonly<Record<string, string>>
}
