import { setTimeout as sleep } from "node:timers/promises"
import type { Program } from "./program.ts"
import type { Part, Recoveries } from "./recoveries.ts"
import type { Fault, FaultKind } from "./schedule.ts"
import { claimIdleMs, type Member, type Site } from "./site.ts"

/** How long an armed program may take to reach its failpoint, in ms. Redis may be away meanwhile. */
const failpointTimeout = 20_000

/** Before a sequencer has written anything, with all of it written, and with all of it there to stay. */
const logFailpoints = ["log-before-writing", "log-before-commit", "log-after-commit"]

const namesOf = (members: ReadonlyArray<Member>) => members.map(({ program }) => program.name).join(", ")

/** Commits a fault; ends when it is over and what it stopped has started again. Returns false if it had no effect. */
export const commit = async (site: Site, recoveries: Recoveries, fault: Fault): Promise<boolean> => {
  const { kind } = fault
  const between = (from: number, to: number) => from + fault.size * (to - from)
  const choose = <A>(things: ReadonlyArray<A>): A => {
    const chosen = things[Math.floor(fault.target * things.length)]
    if (chosen === undefined) throw new Error(`there is nothing to choose from for: ${kind}`)
    return chosen
  }
  const partOf = (member: Member): Part => {
    const api = site.apis.indexOf(member)
    return api < 0 ? "ledger" : `api ${api + 1}`
  }
  /** Ends a program in some way and starts it again; no other fault hits it meanwhile. */
  const hit = async (member: Member, strike: (program: Program) => Promise<boolean>) => {
    let effect = true
    await member.program.exclusive(async () => {
      site.note(`${kind}: ${member.program.name}`)
      effect = await strike(member.program)
      await sleep(between(0, 500))
      const { started } = member.program.launch()
      recoveries.begin(partOf(member), `${kind} (${member.program.name})`)
      await started
      site.note(`  over: ${kind}: ${member.program.name}`)
    })
    return effect
  }
  const killed = (member: Member) => hit(member, (program) => program.kill().then(() => true))
  const terminated = (member: Member) =>
    hit(member, async (program) => {
      const how = await program.terminate()
      if (how !== "exit code 0") site.problems.push(`${program.name}, told to stop: ${how}`)
      return true
    })
  const armed = (member: Member, failpoint: string) =>
    hit(member, async (program) => {
      await program.kill()
      await program.launch(failpoint).started
      const reached = await program.endsWithin(failpointTimeout)
      site.note(`  ${failpoint} ${reached ? "ended it" : "was not reached"}`)
      if (!reached) await program.kill()
      return reached
    })
  const frozen = async (member: Member) => {
    const { program } = member
    await program.exclusive(async () => {
      site.note(`${kind}: ${program.name}`)
      program.signal("SIGSTOP")
      await sleep(between(claimIdleMs * 1.2, claimIdleMs * 2.5))
      program.signal("SIGCONT")
      site.note(`  over: ${kind}: ${program.name}`)
      recoveries.begin(partOf(member), `${kind} (${program.name})`)
    })
    return true
  }
  const crashed = async (server: "redis" | "postgres", signal: NodeJS.Signals, part: Part) => {
    site.note(kind)
    const over = recoveries.outage(kind)
    await site[server].crash(signal, between(50, 800))
    over()
    site.note(`  over: ${kind}`)
    recoveries.begin(part, kind)
    return true
  }
  /** Makes a replica the server that is written to, for everyone. */
  const changed = async (server: "redis" | "postgres", change: () => Promise<boolean>) => {
    site.note(kind)
    const over = recoveries.outage(kind)
    const effect = await change()
    over()
    site.note(`  over: ${kind}${effect ? "" : ", without effect"}`)
    if (!effect) return false
    const parts = server === "redis" ? [...site.apis.map(partOf), "ledger" as const] : ["ledger" as const]
    for (const part of parts) recoveries.begin(part, kind)
    return true
  }
  /** Disturbs the connections of one program, or of all. */
  const onTheWay = async (server: "redis" | "postgres", weather: (gate: Member["redis"]) => Promise<unknown>) => {
    // An API needs PostgreSQL only for showing results.
    const members = server === "redis" ? [...site.apis, ...site.consumers] : site.consumers
    const hits = choose([members, members, ...members.map((member) => [member])])
    site.note(`${kind}: ${namesOf(hits)}`)
    const over = hits === members ? recoveries.outage(kind) : () => undefined
    const results = await Promise.all(hits.map((member) => weather(member[server])))
    over()
    const [only] = hits
    const part = hits.length === 1 && only !== undefined ? partOf(only) : server === "redis" ? "any api" : "ledger"
    recoveries.begin(part, `${kind} (${namesOf(hits)})`)
    site.note(`  over: ${kind}: ${namesOf(hits)} ${results.join(" ")}`)
    return results.some((result) => result !== 0)
  }

  const deeds: Record<FaultKind, () => Promise<boolean>> = {
    "kill -9 of an API": () => killed(choose(site.apis)),
    "kill -9 of a consumer": () => killed(choose(site.consumers)),
    "kill -9 of Redis": () => crashed("redis", "SIGKILL", "any api"),
    "immediate stop of PostgreSQL": () => crashed("postgres", "SIGQUIT", "ledger"),
    "SIGTERM of an API": () => terminated(choose(site.apis)),
    "SIGTERM of a consumer": () => terminated(choose(site.consumers)),
    "SIGSTOP of an API": () => frozen(choose(site.apis)),
    "SIGSTOP of a consumer": () => frozen(choose(site.consumers)),
    "replies of Redis dropped": () => onTheWay("redis", (gate) => gate.dropReplies(between(400, 1_000))),
    "replies of PostgreSQL dropped": () => onTheWay("postgres", (gate) => gate.dropReplies(between(400, 1_000))),
    "Redis slow": () => onTheWay("redis", (gate) => gate.delay(between(500, 2_000), between(20, 1_200))),
    "PostgreSQL slow": () => onTheWay("postgres", (gate) => gate.delay(between(500, 2_000), between(20, 1_200))),
    "Redis unreachable": () => onTheWay("redis", (gate) => gate.blackhole(between(300, 2_500))),
    "PostgreSQL unreachable": () => onTheWay("postgres", (gate) => gate.blackhole(between(300, 2_500))),
    "Redis half-open": () => onTheWay("redis", async (gate) => gate.silence()),
    "PostgreSQL half-open": () => onTheWay("postgres", async (gate) => gate.silence()),
    "Redis demoted": () => changed("redis", () => site.redis.demote()),
    "PostgreSQL demoted": () => changed("postgres", () => site.postgres.demote()),
    "Redis lost, replica promoted": () => changed("redis", () => site.redis.lose(between(50, 800))),
    "crash after the append": () => armed(choose(site.apis), "after-append:0.05"),
    "crash after the commit": () => armed(choose(site.consumers), "after-commit:0.3"),
    "crash at the public log": () =>
      armed(choose(site.consumers), `${logFailpoints[Math.floor(fault.size * logFailpoints.length)]}:0.5`)
  }
  return deeds[kind]()
}
