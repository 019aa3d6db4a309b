import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import type { DatabaseAddress } from "../../src/layers/DatabaseAddress.ts"
import type { SslMode } from "../../src/layers/DatabaseTls.ts"
import { parseDatabaseUrl } from "../../src/layers/DatabaseUrl.ts"

const parse = (url: string, env: NodeJS.ProcessEnv = {}): DatabaseAddress => {
  const parsed = parseDatabaseUrl(url, env)
  return parsed !== undefined && Result.isSuccess(parsed) ? parsed.success : assert.fail(`${url} is refused`)
}

const problemOf = (url: string, env: NodeJS.ProcessEnv = {}): string => {
  const parsed = parseDatabaseUrl(url, env)
  return parsed !== undefined && Result.isFailure(parsed) ? parsed.failure : assert.fail(`${url} is taken`)
}

const hostsOf = (url: string) => parse(url).hosts.map(({ name, port }) => `${name} ${port}`)

/** Exists everywhere, and can be read. */
const file = "/etc/passwd"

describe("a database's URL", () => {
  it.effect.each<readonly [url: string, hosts: ReadonlyArray<string>]>([
    ["postgres://db/votes", ["db 5432"]],
    ["postgresql://u:p@a:6000,b,c:7000/votes", ["a 6000", "b 5432", "c 7000"]],
    ["postgres://[::1]:6000,[fe80::1]/votes", ["::1 6000", "fe80::1 5432"]],
    ["postgres://user@/votes?host=/var/run/postgresql", ["/var/run/postgresql 5432"]],
    ["postgres://user@%2Fvar%2Frun:6000/votes", ["/var/run 6000"]],
    ["postgres:///votes?host=a,b&port=1,2", ["a 1", "b 2"]],
    ["postgres://a,b/votes?port=6000", ["a 6000", "b 6000"]],
    ["postgres://:6000", ["localhost 6000"]]
  ])("%s names its hosts", ([url, hosts]) =>
    Effect.sync(() => {
      assert.deepStrictEqual(hostsOf(url), hosts)
    })
  )

  it.effect("says who signs in where, with every character that can be encoded, and some that need not be", () =>
    Effect.sync(() => {
      const { database, password, user } = parse("postgres://m%40x:p%2F%23%3a,%25%20@a,b/my%20votes")
      assert.deepStrictEqual({ database, password, user }, { database: "my votes", password: "p/#:,% ", user: "m@x" })
      assert.strictEqual(parse("postgres://u:p@ss:w@a/b").password, "p@ss:w")
      assert.deepInclude(parse("postgres://a/?user=u&password=p&dbname=d"), { user: "u", password: "p", database: "d" })
      assert.deepInclude(parse("postgres://a"), { user: undefined, password: undefined, database: undefined })
    })
  )

  it.effect("has what else there is to say", () =>
    Effect.sync(() => {
      const { applicationName, connectTimeout, options, target } = parse(
        "postgres://a/b?target_session_attrs=read-write&application_name=me&connect_timeout=7&options=-c%20geqo%3Doff"
      )
      assert.deepStrictEqual(
        { applicationName, connectTimeout, options, target },
        { applicationName: "me", connectTimeout: 7, options: "-c geqo=off", target: "read-write" }
      )
      assert.strictEqual(parse("postgres://a").target, "any")
      // What can be had by the one value that is given; Neon's URLs, for one, have the first.
      parse("postgres://a/b?channel_binding=prefer&gssencmode=disable&client_encoding=UTF8")
    })
  )

  it.effect.each<readonly [query: string, mode: SslMode, rootCert: string | undefined]>([
    ["", "prefer", undefined],
    ["?ssl=true", "require", undefined],
    ["?ssl=false", "disable", undefined],
    ["?ssl=no-verify", "no-verify", undefined],
    ["?sslmode=no-verify", "no-verify", undefined],
    ["?sslmode=allow", "allow", undefined],
    [`?sslmode=require&sslrootcert=${file}`, "require", file],
    ["?sslrootcert=system", "verify-full", undefined],
    ["?sslmode=verify-full", "verify-full", undefined]
  ])("asks for TLS by %j", ([query, mode, rootCert]) =>
    Effect.sync(() => {
      assert.deepInclude(parse(`postgres://a/b${query}`).tls, { mode, rootCert })
    })
  )

  it.effect("leaves the authority to PGSSLROOTCERT where it names none", () =>
    Effect.sync(() => {
      assert.strictEqual(parse("postgres://a/b", { PGSSLROOTCERT: file }).tls.rootCert, file)
      assert.strictEqual(parse("postgres://a/b", { PGSSLROOTCERT: "system" }).tls.mode, "verify-full")
      assert.include(problemOf("postgres://a/b", { PGSSLROOTCERT: "/none" }), "PGSSLROOTCERT")
    })
  )

  it.effect.each<readonly [url: string, problem: string]>([
    ["postgres://a:abc/b", "has a port that is not a number from 1 to 65535"],
    ["postgres://a:0/b", "has a port that is not a number from 1 to 65535"],
    ["postgres://a:65536,b/c", "has a port that is not a number from 1 to 65535"],
    ["postgres://a,b/c?port=1,2,3", "has 2 hosts and 3 ports"],
    ["postgres://::1/b", "has a host that is no name; an IPv6 address must stand in brackets, as in [::1]"],
    ["postgres://u:100%pure@a/b", "has a % in its password that begins no character; write % itself as %25"],
    ["postgres://u%zz:p@a/b", "has a % in its user that begins no character; write % itself as %25"],
    ["postgres://u:p@a/b%", "has a % in its database that begins no character; write % itself as %25"],
    ["postgres://u:p@a/b%00", "has a NUL in its database"],
    [`postgres://a/${"x".repeat(64)}`, "has a database of more than 63 bytes"],
    ["postgres://u:pa#ss@a/b", "has a # or a blank in it; write # as %23 and a blank as %20"],
    ["postgres://u:pa ss@a/b", "has a # or a blank in it; write # as %23 and a blank as %20"],
    ["postgres://u:hunter/2@a/b", "has a / or ? in its user or password; write / as %2F and ? as %3F"],
    ["postgres://u:hunter?2@a/b", "has a / or ? in its user or password; write / as %2F and ? as %3F"],
    ["postgres://a/b?ssl=yes", "has a wrong ssl; it must be true, false or no-verify"],
    [
      "postgres://a/b?sslmode=on",
      "has a wrong sslmode; it must be one of disable, allow, prefer, require, verify-ca, verify-full, no-verify"
    ],
    [
      "postgres://a/b?sslmode=require&sslrootcert=system",
      "has sslrootcert=system, which needs sslmode=verify-full: anyone can get a certificate from those"
    ],
    ["postgres://a/b?sslrootcert=/no/such/file", "names a file by sslrootcert that can't be read (ENOENT)"],
    ["postgres://a/b?sslkey=/etc", "names a file by sslkey that can't be read (EISDIR)"],
    [
      "postgres://a/b?target_session_attrs=master",
      "has a wrong target_session_attrs; it must be one of any, read-write, read-only, primary, standby, prefer-standby"
    ],
    ["postgres://a/b?channel_binding=require", "has channel_binding, which may only be prefer or disable here"],
    ["postgres://a/b?connect_timeout=soon", "has a connect_timeout that is not a whole number of seconds"]
  ])("is refused as %s", ([url, problem]) =>
    Effect.sync(() => {
      assert.strictEqual(problemOf(url), problem)
    })
  )

  it.effect("is refused with a parameter that would be passed over in silence", () =>
    Effect.sync(() => {
      assert.match(
        problemOf("postgres://a/b?pool_size=5"),
        /^has the parameter pool_size, which tallykeep does not know; it/
      )
      for (const url of ["postgres://a/b?Hunter2=5", "postgres://u:p@s?hunter&2@a/b"]) {
        assert.match(problemOf(url), /^has a parameter, which/)
      }
    })
  )

  it.effect("is none without its protocol", () =>
    Effect.sync(() => {
      for (const url of ["", "hunter2", "mysql://a/b", "postgres:/a", "postgres:a"])
        assert.isUndefined(parseDatabaseUrl(url))
    })
  )
})
