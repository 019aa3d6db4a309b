import { Effect, Schema } from "effect"

/** An embedded server can't be run; the message says what to do about it. */
export class EmbeddedError extends Schema.TaggedError<EmbeddedError>()("EmbeddedError", {
  message: Schema.String
}) {}

/** Runs `action`; what it throws becomes an error that says what was being done. */
export const attempt = <A>(doing: string, action: () => A): Effect.Effect<A, EmbeddedError> =>
  Effect.try({
    try: action,
    catch: (cause) =>
      cause instanceof EmbeddedError
        ? cause
        : new EmbeddedError({
            message: `Could not ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`
          })
  })
