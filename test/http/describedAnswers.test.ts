import { assert, layer } from "@effect/vitest"
import { Effect, Result, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, type HttpClientResponse, HttpServer } from "effect/http"
import { HttpApi, HttpApiClient, HttpApiSchema, OpenApi } from "effect/http-api"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { isProblem } from "../../src/domain/Problems.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Api } from "../../src/http/Api.ts"
import { layerApi } from "../support/api.ts"
import { MemoryLog } from "../support/memoryLog.ts"
import { adminToken, createPoll, definition, layerPollsApi, tokensFor, untilFinal } from "../support/pollsApi.ts"
import { eventually } from "../support/servers.ts"
import { freshWorld } from "../support/world.ts"

/** An answer as the typed client saw it, and the endpoint that was asked. */
interface Seen {
  readonly endpoint: Described
  readonly response: HttpClientResponse.HttpClientResponse
}

/** An endpoint, with the schemas and media types of what it can answer, by status. */
interface Described {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly schemas: ReadonlyMap<number, ReadonlyArray<Schema.Top>>
  readonly types: (status: number) => ReadonlyArray<string>
  /** Whether it says that `If-None-Match` is taken, and what a 304 is. */
  readonly isConditional: boolean
}

const spec = OpenApi.fromApi(Api)

const endpoints: Array<Described> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint: { identifier, method, path }, errors, successes }) => {
    const operations = spec.paths[path.replace(/:(\w+)/g, "{$1}")]
    const known = { POST: operations?.post, GET: operations?.get, PATCH: operations?.patch, DELETE: operations?.delete }
    const operation = Object.entries(known).find(([name]) => name === method)?.[1]
    endpoints.push({
      name: identifier,
      method,
      path,
      schemas: new Map([...errors, ...successes]),
      types: (status) => Object.keys(operation?.responses[status]?.content ?? {}),
      isConditional:
        operation?.responses[304] !== undefined && operation.parameters.some(({ name }) => name === "If-None-Match")
    })
  }
})

const endpointAt = (method: string, asked: string): Described => {
  const found = endpoints.find(
    (endpoint) =>
      endpoint.method === method &&
      new RegExp(`^${endpoint.path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+")}$`).test(asked)
  )
  if (found === undefined) throw new Error(`The description has no ${method} ${asked}`)
  return found
}

/** Asserts that an answer is one of those described: its status, its type, and all of its body with nothing besides. */
const assertDescribed = ({ endpoint, response }: Seen) =>
  Effect.gen(function* () {
    const { status } = response
    const answer = `${endpoint.method} ${endpoint.path} ${status}`
    const schemas = endpoint.schemas.get(status) ?? []
    assert.isNotEmpty(schemas, `${answer} is not described`)
    if (status === 204) return
    const [type = ""] = (response.headers["content-type"] ?? "").split(";")
    assert.include(
      endpoint.types(status).map((described) => described.split(";")[0]),
      type,
      `${answer} is of another type than described`
    )
    if (!type.endsWith("json")) return
    const body: unknown = JSON.parse(yield* response.text)
    const wrong = schemas.flatMap((schema) =>
      decode(schema)(body).pipe(Result.match({ onSuccess: () => [], onFailure: ({ message }) => [message] }))
    )
    assert.isBelow(wrong.length, schemas.length, `${answer} is not as described: ${wrong.join("; ")}`)
  })

/** Asserts that what can be asked for again, unless there still is the same answer, is what says so. */
const assertConditional = Effect.fnUntraced(function* (seen: ReadonlyArray<Seen>) {
  for (const { endpoint, response } of seen) {
    if (endpoint.method !== "GET" || response.status !== 200) continue
    const again = yield* response.request.pipe(HttpClientRequest.setHeader("if-none-match", "*"), HttpClient.execute)
    const answer = `${endpoint.method} ${endpoint.path}`
    assert.strictEqual(again.status === 304, endpoint.isConditional, answer)
  }
})

const decode = (schema: Schema.Top) => {
  const body = HttpApiSchema.isWithHeaders(schema) ? schema.schema : schema
  // No schema of the description needs a service to be decoded, which its type here does not tell.
  return Schema.decodeUnknownResult(body as unknown as Schema.ConstraintDecoder<unknown>, { onExcessProperty: "error" })
}

/** Returns what makes clients whose answers are all seen. */
const makeClients = Effect.fnUntraced(function* (seen: Array<Seen>) {
  const { address } = yield* HttpServer.HttpServer
  return (token?: string) =>
    HttpApiClient.make(Api, {
      baseUrl: HttpServer.formatAddress(address),
      transformClient: (client) =>
        client.pipe(
          HttpClient.mapRequest((request) =>
            token === undefined ? request : HttpClientRequest.bearerToken(request, token)
          ),
          HttpClient.tap((response) =>
            Effect.sync(() => {
              const { method, url } = response.request
              seen.push({ endpoint: endpointAt(method, new URL(url).pathname), response })
            })
          )
        )
    })
})

/** Asserts that a call fails with a problem, as the description has it, and returns its class's name. */
const problemOf = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(call), (error) => {
    assert.isTrue(isProblem(error), String(error))
    return typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  })

/** Asserts that these are answers as described, and that each of some endpoints has given a good one. */
const assertAll = Effect.fnUntraced(function* (seen: ReadonlyArray<Seen>, names: ReadonlyArray<string>) {
  yield* Effect.forEach(seen, assertDescribed, { discard: true })
  yield* assertConditional(seen)
  const answered = seen.filter(({ response }) => response.status < 300)
  assert.sameMembers([...new Set(answered.map(({ endpoint }) => endpoint.name))], [...names])
})

const logEndpoints = Object.keys(Api.groups.log.endpoints)

layer(layerPollsApi(), { excludeTestServices: true })("each answer", (it) => {
  it.effect("that the typed client gets is as the description says, of every endpoint", () =>
    Effect.gen(function* () {
      const seen: Array<Seen> = []
      const clientOf = yield* makeClients(seen)
      const anyone = yield* clientOf()
      const admin = yield* clientOf(adminToken)
      // Votes and receipts.
      const receipt = yield* anyone.votes.castVote({ payload: { option: "cats" } })
      yield* anyone.votes.castVoteShort({ payload: { option: "dogs" } })
      const params = { slug: "cats-or-dogs" }
      yield* anyone.votes.castVoteIn({ params, payload: { option: "cats" } })
      assert.strictEqual(
        yield* problemOf(anyone.votes.castVoteIn({ params, payload: { option: "birds" } })),
        "InvalidFields"
      )
      const nowhere = { slug: "nowhere" }
      assert.strictEqual(
        yield* problemOf(anyone.votes.castVoteIn({ params: nowhere, payload: { option: "cats" } })),
        "NotFound"
      )
      const query = { stream_id: receipt.stream_id }
      yield* eventually(
        Effect.map(anyone.receipts.voteStatus({ params: { vote_id: receipt.vote_id }, query }), ({ status }) =>
          assert.strictEqual(status, "counted")
        )
      )
      const unknown = { vote_id: makeVoteId() }
      assert.strictEqual(yield* problemOf(anyone.receipts.voteStatus({ params: unknown, query: {} })), "NotFound")
      assert.strictEqual(
        yield* problemOf(anyone.receipts.voteStatus({ params: { vote_id: "x" }, query })),
        "InvalidFields"
      )

      // Polls.
      const poll = definition({ ballot: "once", identity: "token", results: "after_close", listed: true })
      const made = yield* admin.polls.createPoll({ payload: poll })
      assert.strictEqual(made.headers.location, `/api/polls/${poll.slug}`)
      assert.strictEqual(yield* problemOf(admin.polls.createPoll({ payload: poll })), "PollExists")
      assert.strictEqual(yield* problemOf(anyone.polls.createPoll({ payload: poll })), "Unauthorized")
      const { polls } = yield* anyone.polls.polls({ query: {} })
      assert.include(
        polls.map(({ slug }) => slug),
        poll.slug
      )
      const its = { params: { slug: poll.slug } }
      const edit = (ifMatch?: string) => ({
        ...its,
        headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
        payload: { title: "Another title" }
      })
      assert.strictEqual(yield* problemOf(admin.polls.editPoll(edit())), "VersionMissing")
      const { headers: edited } = yield* admin.polls.editPoll(edit(made.headers.etag))
      assert.strictEqual(edited.etag, '"2"')
      assert.strictEqual(yield* problemOf(admin.polls.editPoll(edit(made.headers.etag))), "Stale")
      const copy = { params: { slug: `${poll.slug}-2` } }
      yield* admin.polls.duplicatePoll({ ...its, payload: copy.params })
      assert.strictEqual(yield* problemOf(anyone.polls.poll(copy)), "NotFound")
      yield* admin.polls.archivePoll(copy)
      yield* admin.polls.reopenPoll({ ...its, payload: {} })
      assert.strictEqual(
        yield* problemOf(admin.polls.deletePoll({ ...its, query: { slug: poll.slug } })),
        "Unchangeable"
      )
      yield* admin.polls.deletePoll({ ...copy, query: copy.params })
      const { events } = yield* admin.polls.pollEvents({ ...copy, query: {} })
      assert.deepStrictEqual(
        events.map(({ what }) => what),
        ["delete", "archive", "duplicate"]
      )
      assert.strictEqual((yield* anyone.polls.poll(its)).body.status, "open")
      assert.strictEqual(yield* problemOf(anyone.polls.poll({ params: nowhere })), "NotFound")
      const { tokens } = yield* admin.polls.issueTokens({ ...its, payload: { count: 2 } })
      assert.lengthOf(tokens, 2)
      const open = yield* createPoll()
      assert.strictEqual(
        yield* problemOf(admin.polls.issueTokens({ params: { slug: open }, payload: { count: 1 } })),
        "Forbidden"
      )
      assert.strictEqual(
        yield* problemOf(anyone.votes.castVoteIn({ ...its, payload: { option: "tea" } })),
        "Unauthorized"
      )
      const [token = ""] = yield* tokensFor(poll.slug, 1)
      const voter = yield* clientOf(token)
      yield* voter.votes.castVoteIn({ ...its, payload: { option: "tea" } })
      assert.strictEqual(yield* problemOf(voter.votes.castVoteIn({ ...its, payload: { option: "tea" } })), "HasVoted")

      const challenged = yield* createPoll({ challenge: "pow" })
      yield* anyone.votes.challenge({ params: { slug: challenged } })
      assert.strictEqual(yield* problemOf(anyone.votes.challenge({ params: { slug: open } })), "NotFound")
      assert.strictEqual(
        yield* problemOf(anyone.votes.castVoteIn({ params: { slug: challenged }, payload: { option: "tea" } })),
        "ChallengeUnsolved"
      )

      // Results.
      assert.strictEqual(yield* problemOf(anyone.results.resultsOf(its)), "ResultsHidden")
      assert.strictEqual(yield* problemOf(anyone.results.resultsCsvOf(its)), "ResultsHidden")
      assert.include(["counting", "final"], (yield* admin.polls.closePoll(its)).body.status)
      yield* untilFinal(its.params.slug)
      assert.strictEqual(yield* problemOf(voter.votes.castVoteIn({ ...its, payload: { option: "tea" } })), "Forbidden")
      assert.strictEqual((yield* anyone.results.results()).poll, "cats-or-dogs")
      yield* anyone.results.resultsShort()
      yield* anyone.results.resultsOf(its)
      assert.match(yield* anyone.results.resultsCsvOf(its), /^option,label,count,percentage,status,leads\r\n/)
      // A stream has no end that one could wait for.
      for (const streamed of [
        anyone.results.resultsStream({ responseMode: "response-only" }),
        anyone.results.resultsStreamOf({ ...its, responseMode: "response-only" })
      ]) {
        const response = yield* streamed
        const [first] = yield* response.stream.pipe(Stream.decodeText, Stream.take(1), Stream.runCollect)
        assert.match(first ?? "", /^event: tally\nid: \d+-[0-9a-f]{8}\ndata: \{/)
      }

      // Operations.
      yield* anyone.operations.health()
      yield* anyone.operations.ready()
      assert.match(yield* anyone.operations.metrics(), /^tallykeep_votes_accepted_total/m)

      const names = endpoints.map(({ name }) => name)
      yield* assertAll(
        seen,
        names.filter((name) => !logEndpoints.includes(name))
      )
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.scoped)
  )
})

layer(layerApi(), { excludeTestServices: true })("each answer about a public log", (it) => {
  it.effect("is as the description says", () =>
    Effect.gen(function* () {
      const seen: Array<Seen> = []
      const { log: asked } = yield* (yield* makeClients(seen))()
      const world = yield* freshWorld
      const log = new MemoryLog(defaultPoll)
      const votes = Array.from({ length: 300 }, () => ({ voteId: makeVoteId(), choice: "cats" }))
      for (const vote of votes) log.count(vote)
      log.sign()
      world.logs = [log]
      const params = { slug: "cats-or-dogs" }
      assert.strictEqual(yield* asked.logCheckpoint({ params }), log.checkpoint)
      yield* asked.logKey({ params })
      assert.lengthOf(yield* asked.logTile({ params: { ...params, level: "0", index: "000" } }), 8_192)
      yield* asked.logEntries({ params: { ...params, index: "000" } })
      yield* asked.voteProof({ params: { vote_id: votes[0]?.voteId ?? "" } })
      const nowhere = { slug: "nowhere" }
      assert.strictEqual(yield* problemOf(asked.logCheckpoint({ params: nowhere })), "NotFound")
      assert.strictEqual(yield* problemOf(asked.logKey({ params: nowhere })), "NotFound")
      const tile = { ...params, level: "0", index: "001" }
      assert.strictEqual(yield* problemOf(asked.logTile({ params: tile })), "NotFound")
      assert.strictEqual(yield* problemOf(asked.logEntries({ params: tile })), "NotFound")
      assert.strictEqual(yield* problemOf(asked.voteProof({ params: { vote_id: makeVoteId() } })), "NotFound")
      assert.strictEqual(yield* problemOf(asked.voteProof({ params: { vote_id: "x" } })), "InvalidFields")
      yield* assertAll(seen, logEndpoints)
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.scoped)
  )
})
