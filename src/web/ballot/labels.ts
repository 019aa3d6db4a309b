import type { PollView } from "../../domain/PollView.ts"

/** The labels of a poll's options, which its organiser may change while the page is open. */
export interface Labels {
  readonly of: (option: string) => string
  /** Has something say an option's label now, and whenever that changes. */
  say(option: string, say: (label: string) => void): void
  change(options: PollView["options"]): void
}

export const makeLabels = (options: PollView["options"]): Labels => {
  let labels = new Map(options.map(({ id, label }) => [id, label]))
  const said: Array<readonly [option: string, say: (label: string) => void]> = []
  const labelOf = (option: string): string => labels.get(option) ?? option
  return {
    of: labelOf,
    say: (option, say) => {
      said.push([option, say])
      say(labelOf(option))
    },
    change: (options) => {
      labels = new Map(options.map(({ id, label }) => [id, label]))
      for (const [option, say] of said) say(labelOf(option))
    }
  }
}
