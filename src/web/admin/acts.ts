import type { PollView } from "../../domain/PollView.ts"
import { make, whileDisabled } from "../dom.ts"
import type { Answer } from "../http.ts"
import { admin } from "../words/deskWords.ts"
import { life as words } from "../words/lifeWords.ts"
import type { AdminAsk } from "./session.ts"
import { freeSlug } from "./slugField.ts"
import { editPoll, hasClosed, type Versioned } from "./versioned.ts"
import { editLink } from "./views.ts"

export interface ActEvents {
  /** Hears what the service answered, and says so. */
  readonly answered: (answer: Answer<PollView>) => void
  /** Opens another view. */
  readonly go: (link: string) => void
}

/** How many names are tried for a copy. */
const mostNames = 20

const isTaken = (answer: Answer<unknown>): boolean =>
  answer.kind === "problem" && answer.problem.type.endsWith(":poll-exists")

/** Makes the buttons for what can be done at once with a poll as it is. */
export const actsOf = (
  ask: AdminAsk,
  versioned: Versioned,
  { answered, go }: ActEvents
): ReadonlyArray<HTMLElement> => {
  const { poll } = versioned
  const { slug } = poll
  const button = (label: string, look: "" | "plain" | "danger", act: () => Promise<void>): HTMLButtonElement => {
    const made = make("button", { type: "button", class: look }, label)
    made.addEventListener("click", () => void whileDisabled([made], act()))
    return made
  }
  const post = (act: string, body?: unknown): Promise<Answer<PollView>> =>
    ask<PollView>(`/api/polls/${slug}/${act}`, { method: "POST", body })

  const copy = async (refused: Set<string>): Promise<Answer<PollView>> => {
    const as = await freeSlug(ask, slug, refused)
    refused.add(as)
    return post("duplicate", { slug: as })
  }

  const publish = button(words.publish, "", async () => answered(await editPoll(ask, versioned, { draft: false })))
  const close = button(admin.close, "danger", async () => {
    if (confirm(admin.closeSure(poll.title))) answered(await post("close"))
  })
  const duplicate = button(words.duplicate, "plain", async () => {
    const refused = new Set([slug])
    let answer = await copy(refused)
    // It may be the name of one in the archive, or of one that had a public log.
    while (isTaken(answer) && refused.size < mostNames) answer = await copy(refused)
    if (answer.kind === "ok") go(editLink(answer.body.slug))
    else answered(answer)
  })
  const archive = button(words.archive, "plain", async () => answered(await post("archive")))
  const restore = button(words.restore, "plain", async () =>
    answered(await editPoll(ask, versioned, { archived: false }))
  )
  const isDraft = poll.status === "draft"
  return [
    ...(isDraft ? [publish] : [make("a", { class: "button", href: `/polls/${slug}` }, admin.voteHere)]),
    make("a", { class: "button", href: editLink(slug) }, words.edit),
    duplicate,
    poll.archived === true ? restore : archive,
    ...(isDraft || hasClosed(poll) ? [] : [close])
  ]
}
