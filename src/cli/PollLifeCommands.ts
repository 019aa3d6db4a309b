import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { json } from "./Flags.ts"
import { print, printMade, slug, withLife } from "./PollAccess.ts"
import { editFlags, pollFlags } from "./PollFlags.ts"
import { definitionOf, editOf } from "./PollFromFlags.ts"

const create = Command.make("create", { slug, ...pollFlags, json }, (given) =>
  Effect.flatMap(definitionOf(given), (definition) =>
    withLife(
      (life) => life.create(definition),
      (poll, settings) => printMade(settings, poll, given.json)
    )
  )
).pipe(Command.withDescription("Create a poll; prints its address, and its QR code to a terminal"))

const edit = Command.make("edit", { slug, ...editFlags, json }, (given) =>
  Effect.flatMap(editOf(given), (edit) =>
    withLife(
      (life) => life.edit(given.slug, edit, undefined),
      (poll, settings) => print(settings, poll, given.json)
    )
  )
).pipe(
  Command.withDescription(
    "Change a poll: all of it before the first vote; from then on what voters read, the closing time, and results towards more open. What is not given stays as it is"
  )
)

const close = Command.make("close", { slug, json }, (given) =>
  withLife(
    (life) => life.close(given.slug),
    (poll, settings) => print(settings, poll, given.json)
  )
).pipe(Command.withDescription("Close a poll now; votes accepted before count, none after"))

const reopen = Command.make("reopen", { slug, closesAt: editFlags.closesAt, json }, (given) =>
  Effect.flatMap(editOf({ closesAt: given.closesAt }), ({ closes_at }) =>
    withLife(
      (life) => life.reopen(given.slug, closes_at ? Date.parse(closes_at) : undefined),
      (poll, settings) => print(settings, poll, given.json)
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
    withLife(
      (life) => life.duplicate(given.slug, given.as, Option.getOrUndefined(given.title)),
      (poll, settings) => printMade(settings, poll, given.json)
    )
).pipe(Command.withDescription("Copy a poll, as a draft without times"))

const archive = Command.make("archive", { slug, json }, (given) =>
  withLife(
    (life) => life.archive(given.slug),
    (poll, settings) => print(settings, poll, given.json)
  )
).pipe(Command.withDescription("Take a poll out of the lists; its address stays (back: polls edit --archived=false)"))

const remove = Command.make(
  "delete",
  {
    slug,
    confirm: Flag.String("confirm").pipe(Flag.withDescription("The poll's slug once more: its votes go for good"))
  },
  (given) =>
    withLife(
      (life) => life.remove(given.slug, given.confirm),
      () => Console.log(`${given.slug} is deleted`)
    )
).pipe(Command.withDescription("Delete a draft or an archived poll, with its votes and voters"))

export const lifeCommands = [create, edit, close, reopen, duplicate, archive, remove] as const
