import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { json, print, slug, withLife } from "./PollAccess.ts"
import { definitionOf, editFlags, editOf, pollFlags } from "./PollFlags.ts"

const create = Command.make("create", { slug, ...pollFlags, json }, (given) =>
  Effect.flatMap(definitionOf(given), (definition) =>
    withLife((life, settings) => Effect.flatMap(life.create(definition), (poll) => print(settings, poll, given.json)))
  )
).pipe(Command.withDescription("Create a poll"))

const edit = Command.make("edit", { slug, ...editFlags, json }, (given) =>
  Effect.flatMap(editOf(given), (edit) =>
    withLife((life, settings) =>
      Effect.flatMap(life.edit(given.slug, edit, undefined), (poll) => print(settings, poll, given.json))
    )
  )
).pipe(
  Command.withDescription(
    "Change a poll: all of it before the first vote; from then on what voters read, the closing time, and results towards more open"
  )
)

const close = Command.make("close", { slug, json }, (given) =>
  withLife((life, settings) => Effect.flatMap(life.close(given.slug), (poll) => print(settings, poll, given.json)))
).pipe(Command.withDescription("Close a poll now; votes accepted before count, none after"))

const reopen = Command.make("reopen", { slug, closesAt: editFlags.closesAt, json }, (given) =>
  Effect.flatMap(editOf({ closesAt: given.closesAt }), ({ closes_at }) =>
    withLife((life, settings) =>
      Effect.flatMap(life.reopen(given.slug, closes_at ? Date.parse(closes_at) : undefined), (poll) =>
        print(settings, poll, given.json)
      )
    )
  )
).pipe(Command.withDescription("Open a poll again; votes that came after its closing stay rejected"))

const duplicate = Command.make(
  "duplicate",
  {
    slug,
    as: Argument.String("new-slug").pipe(Argument.withDescription("The copy's name in URLs")),
    title: Flag.String("title").pipe(Flag.withDescription("Another question than the original's"), Flag.optional),
    json
  },
  (given) =>
    withLife((life, settings) =>
      Effect.flatMap(life.duplicate(given.slug, given.as, Option.getOrUndefined(given.title)), (poll) =>
        print(settings, poll, given.json)
      )
    )
).pipe(Command.withDescription("Copy a poll, as a draft without times"))

const archive = Command.make("archive", { slug, json }, (given) =>
  withLife((life, settings) => Effect.flatMap(life.archive(given.slug), (poll) => print(settings, poll, given.json)))
).pipe(Command.withDescription("Take a poll out of the lists; its address stays (back: polls edit --archived=false)"))

const remove = Command.make(
  "delete",
  {
    slug,
    confirm: Flag.String("confirm").pipe(Flag.withDescription("The poll's slug once more: its votes go for good"))
  },
  (given) =>
    withLife((life) => Effect.andThen(life.remove(given.slug, given.confirm), Console.log(`${given.slug} is deleted`)))
).pipe(Command.withDescription("Delete a draft or an archived poll, with its votes and voters"))

export const lifeCommands = [create, edit, close, reopen, duplicate, archive, remove] as const
