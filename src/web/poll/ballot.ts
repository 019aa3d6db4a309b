import type { mark } from "../words.ts"

/** What a vote is made with. */
export interface Ballot {
  /** Has `listener` called with the choice that the reader makes, as long as one can be made. */
  onCast(listener: (choice: string) => void): void
  /** The choice is on its way: the next one can be made where there may be one. */
  sent(): void
  /** Whether something is filled in that is not sent. */
  isBegun(): boolean
  /** Says whether one can be made. */
  enabled(yes: boolean): void
  /** Shows the reader's last vote, and what became of it. */
  mine(choice: string | undefined, state: keyof typeof mark): void
}
