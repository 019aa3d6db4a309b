import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseRedisUrl } from "../../src/layers/RedisUrl.ts"

const parse = (url: string) => Result.getOrThrow(parseRedisUrl(url))

const login = { username: "", password: "", db: 0, tls: false, family: 0 }

describe("the address of Redis", () => {
  it("is that of one server", () => {
    assert.deepStrictEqual(parse("redis://host"), { kind: "single", server: { ...login, host: "host", port: 6379 } })
    assert.deepStrictEqual(parse("rediss://us%40er:p%2Fw+@[::1]:6380/15?family=6"), {
      kind: "single",
      server: { host: "::1", port: 6380, username: "us@er", password: "p/w+", db: 15, tls: true, family: 6 }
    })
  })

  it("is those of a cluster's nodes, each with what its URL says", () => {
    assert.deepStrictEqual(parse("redis://:p,w@a:7001, rediss://b:7002/0"), {
      kind: "cluster",
      nodes: [
        { ...login, host: "a", port: 7001, password: "p,w" },
        { ...login, host: "b", port: 7002, tls: true }
      ]
    })
  })

  it("is those of sentinels, with passwords of their own, and the master's name", () => {
    assert.deepStrictEqual(parse("redis+sentinel://a/mymaster"), {
      kind: "sentinels",
      sentinels: [{ ...login, host: "a", port: 26379 }],
      masterName: "mymaster",
      login
    })
    const query = "sentinel_username=watcher&sentinel_password=s+%2F=&family=4"
    const master = { username: "user", password: "p@ss", tls: true, family: 4 }
    const sentinel = { ...master, username: "watcher", password: "s+/=", db: 0 }
    assert.deepStrictEqual(parse(`rediss+sentinel://user:p%40ss@a:1, [::1] ,c:3/my%20master/15?${query}`), {
      kind: "sentinels",
      sentinels: [
        { ...sentinel, host: "a", port: 1 },
        { ...sentinel, host: "::1", port: 26379 },
        { ...sentinel, host: "c", port: 3 }
      ],
      masterName: "my master",
      login: { ...master, db: 15 }
    })
  })
})
