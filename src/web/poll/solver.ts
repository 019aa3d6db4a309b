import { solveChallengeWorkers } from "altcha-lib"
import type { ChallengeView } from "../../domain/Challenge.ts"
import { type Answer, ask } from "../http.ts"

/** Solves the challenges of a poll, one for each vote. */
export interface Solver {
  /** Begins with the next solution, so that the voter need not wait for it. */
  prepare(): void
  /** Returns the solution for the next vote, or the answer that kept it from being made. */
  solution(): Promise<Answer<string>>
  /** Forgets the solution, since the service has answered the vote that it came with. */
  spend(): void
}

/** Makes a solver for the challenges at `path`; `script` is its worker's. */
export const makeSolver = (path: string, script: string): Solver => {
  let solving: Promise<Answer<string>> | undefined

  const solve = async (): Promise<Answer<string>> => {
    const answer = await ask<ChallengeView>(path)
    if (answer.kind !== "ok") return answer
    const { body: challenge, head } = answer
    const solution = await solveChallengeWorkers({
      challenge,
      concurrency: 1,
      createWorker: () => new Worker(script)
    }).catch(() => null)
    // The worker could not be loaded, or took more than a minute.
    if (solution === null) return { kind: "away", network: false }
    return { kind: "ok", head, body: btoa(JSON.stringify({ challenge, solution })) }
  }

  const solution: Solver["solution"] = async () => {
    solving ??= solve()
    const answer = await solving
    // Asked for again with the next attempt.
    if (answer.kind !== "ok") solving = undefined
    return answer
  }

  return {
    solution,
    prepare: () => void solution(),
    spend: () => {
      solving = undefined
    }
  }
}
