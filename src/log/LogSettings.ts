import { Context, type Redacted } from "effect"

/** What the public logs are written with. */
export class LogSettings extends Context.Service<
  LogSettings,
  {
    /** The seeds of the Ed25519 keys that sign: one, or two while one replaces the other; none where there are no logs. */
    readonly keys: ReadonlyArray<Redacted.Redacted>
    /** The host that the logs' names begin with. */
    readonly host: string
  }
>()("tallykeep/log/LogSettings") {}
