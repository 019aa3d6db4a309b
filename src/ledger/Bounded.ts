import { Cause, type Duration, Effect, Exit, Fiber } from "effect"
import { SqlError } from "effect/sql"
import { OutOfService } from "../domain/Problems.ts"

let underWay = 0

/** How many questions to the database are under way, those that wait for a connection too. */
export const questions = (): number => underWay

const counted = <A, E>(question: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    underWay++
    return Effect.ensuring(
      question,
      Effect.sync(() => {
        underWay--
      })
    )
  })

/**
 * Bounds a question to the database. The driver takes seconds to give up one that it was told to: whoever asked does not
 * wait for that.
 */
export const within =
  (timeout: Duration.Input) =>
  <A, E>(question: Effect.Effect<A, E>) =>
    Effect.flatMap(Effect.forkDetach(counted(question)), (fiber) =>
      Fiber.join(fiber).pipe(
        Effect.timeout(timeout),
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.forkDetach(Fiber.interrupt(fiber))))
      )
    )

/** The same, and where the database fails or answers too late, that counts as an outage. */
export const outOfService =
  (timeout: Duration.Input) =>
  <A, E>(question: Effect.Effect<A, E>): Effect.Effect<A, OutOfService | Exclude<E, SqlError.SqlError>> =>
    question.pipe(
      within(timeout),
      Effect.mapError((error) =>
        SqlError.isSqlError(error) || Cause.isTimeoutError(error)
          ? new OutOfService({ part: "database", cause: error })
          : (error as Exclude<E, SqlError.SqlError>)
      )
    )
