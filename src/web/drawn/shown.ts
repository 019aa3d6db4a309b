import type { Results } from "../../domain/Tally.ts"

/** What is drawn of a poll's results. */
export type Shown = Pick<
  Results,
  "status" | "total_votes" | "abstained" | "revision" | "results" | "winners" | "tie" | "tabulation"
>

/** What is drawn of one option's results. */
export type ShownOption = Results["results"][number]

/** A ranked poll's tabulation, with the revision that it is of. */
export type ShownTabulation = NonNullable<Results["tabulation"]>
