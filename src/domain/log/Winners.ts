import { rulesOf } from "../Rules.ts"
import { RankingsBuilder } from "../tabulation/RankingsBuilder.ts"
import { tabulate } from "../tabulation/Tabulate.ts"
import { fromHex } from "./Bytes.ts"
import type { Fold } from "./Fold.ts"

/** Returns the winners of a ranked poll, by counting the log's rankings again; undefined in other polls, and before the end. */
export const winnersOf = (fold: Fold): ReadonlyArray<string> | undefined => {
  const { poll, tieSeed = "" } = fold
  const rules = poll === undefined ? undefined : rulesOf(poll)
  const seed = fromHex(tieSeed)
  if (poll === undefined || rules?.kind !== "ranked" || tieSeed === "" || seed === undefined) return undefined
  const rankings = new RankingsBuilder(poll.options.map(({ id }) => id))
  fold.recount((choice) => rankings.add(choice, 1))
  return tabulate({ ...rules, tieSeed: seed }, rankings.build()).winners
}
