import type { ResultsVisibility } from "./Poll.ts"

/*
 * How openly results are shown. Apart from `Poll.ts`, whose schemas the pages do without.
 */

type Visibility = typeof ResultsVisibility.Type

const openness: Readonly<Record<Visibility, number>> = { after_close: 0, after_vote: 1, live: 2 }

/** Whether fewer see results than before, which nobody may be told once they have voted. */
export const isLessOpen = (results: Visibility, before: Visibility): boolean => openness[results] < openness[before]
