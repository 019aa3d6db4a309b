/**
 * When an appender sends its next command. Where few votes come at a time, waking Redis, and this process for the answer, costs
 * several times what a vote does: so commands are kept apart, and the votes that come in between go together.
 */
export interface Spacing {
  /** Returns how long a command with so many votes is left to wait for others, in ms. */
  wait(votes: number): number
  /** Says that a command is sent. */
  sent(): void
  /** Says that a command with so many votes is answered. */
  answered(votes: number): void
}

/** How far apart commands begin, in ms. A vote that comes alone is sent at once; others are answered so much later at most. */
const apart = 5

/** A command with so many votes waits for no more: from some thousands a second on, they come together by themselves. */
const enough = 32

/** Whoever votes again within so many ms after an answer does nothing but wait for answers, as a load test does. */
const again = 1

export const makeSpacing = (now: () => number = () => performance.now()): Spacing => {
  let due = Number.NEGATIVE_INFINITY
  let answeredAt = Number.NEGATIVE_INFINITY
  let last = 0
  return {
    wait: (votes) => {
      const at = now()
      if (votes >= enough) return 0
      // Where most of those who were answered are there again, no others may come.
      if (at - answeredAt < again && votes * 2 > last) return 0
      return Math.max(0, due - at)
    },
    sent: () => {
      due = now() + apart
    },
    answered: (votes) => {
      answeredAt = now()
      last = votes
    }
  }
}
