import { toSlug } from "../../domain/OptionIds.ts"
import type { PollView } from "../../domain/PollView.ts"
import { make } from "../dom.ts"
import { form as words } from "../words/formWords.ts"
import { field } from "./fields.ts"
import type { AdminAsk } from "./session.ts"

/** How long nobody types before the service is asked, in ms. */
const pause = 300

const letters = "abcdefghjkmnpqrstuvwxyz23456789"

/** Returns a short name by chance, of letters and digits that can't be taken for one another. */
const byChance = (): string =>
  [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => letters[byte % letters.length]).join("")

/**
 * Returns the name, or the name with the first number that makes it one that no poll has: none on the list, and none of those that
 * the service has `refused`, as of polls in the archive.
 */
export const freeSlug = async (ask: AdminAsk, slug: string, refused: ReadonlySet<string>): Promise<string> => {
  const whole = slug.slice(0, 60).replace(/-$/, "")
  const stem = whole.replace(/-\d+$/, "")
  const answer = await ask<{ readonly polls: ReadonlyArray<PollView> }>(`/api/polls?limit=1000&q=${stem}`)
  const listed = answer.kind === "ok" ? answer.body.polls.map((poll) => poll.slug) : []
  const taken = new Set([...listed, ...refused])
  // A number at the end may be a year, and belong to the name.
  const base = taken.has(stem) ? stem : whole
  if (!taken.has(slug)) return slug
  for (let n = 2; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`
}

export interface SlugField {
  readonly element: HTMLElement
  readonly input: HTMLInputElement
  /** Suggests an address for a title, unless one has been typed. */
  suggest(title: string): void
  /** Takes what a draft has for a suggestion, where it is what would be suggested for its title. */
  restored(title: string): void
  /** Suggests another one in place of one that the service has refused. */
  renumber(): Promise<void>
}

/** Makes the field for a poll's name in its address. `changed` is called where a suggestion is put in. */
export const makeSlugField = (ask: AdminAsk, changed: () => void): SlugField => {
  const input = make("input", { name: "slug", maxlength: "64", autocomplete: "off", spellcheck: "false" })
  const chance = byChance()
  const refused = new Set<string>()
  /** What was suggested last: all else has been typed. */
  let suggested = ""
  let timer: ReturnType<typeof setTimeout> | undefined
  const put = (slug: string): void => {
    suggested = slug
    input.value = slug
    changed()
  }
  const number = async (slug: string): Promise<void> => {
    const free = await freeSlug(ask, slug, refused)
    if (input.value === slug) put(free)
  }
  return {
    element: field(words.slug, input, words.slugHint(location.host)),
    input,
    suggest: (title) => {
      const slug = toSlug(title) || (title.trim() === "" ? "" : chance)
      if (input.value !== suggested) return
      clearTimeout(timer)
      put(slug)
      if (slug !== "") timer = setTimeout(() => void number(slug), pause)
    },
    restored: (title) => {
      const slug = toSlug(title)
      if (input.value.replace(/-\d+$/, "") === slug.replace(/-\d+$/, "")) suggested = input.value
    },
    renumber: () => {
      refused.add(input.value)
      return number(input.value)
    }
  }
}
